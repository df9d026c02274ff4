import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostRoot } from '../paths.js';
import type { HostLayout } from '../layout.js';
import { run } from './run.js';
import type { UnitSpec } from './unit.js';
import { answersHttp, until } from './wait.js';

const READY_MS = 30_000;
/** Made by install/postgres-template.sh. */
const DATA = '/var/lib/postgresql/reinvite';

export const natsUrl = (core: string): string => `nats://${core}:4222`;
export const postgresUrl = (core: string): string => `postgres://reinvite:reinvite@${core}:5432/reinvite`;

/** NATS with JetStream, and PostgreSQL. Both keep their data in the host's file system, which is memory. */
export async function coreUnits(core: HostLayout): Promise<UnitSpec[]> {
  return [await nats(core), await postgres(core)];
}

async function nats({ name, address }: HostLayout): Promise<UnitSpec> {
  const config = {
    server_name: name,
    listen: `${address}:4222`,
    http: `${address}:8222`,
    jetstream: { store_dir: '/var/lib/nats' },
  };
  await mkdir(path.join(hostRoot(name), 'var/lib/nats'), { recursive: true });
  await writeFile(path.join(hostRoot(name), 'etc/nats-server.conf'), JSON.stringify(config, undefined, 2));
  return {
    name: 'nats',
    host: name,
    files: 'host',
    argv: ['nats-server', '--config', '/etc/nats-server.conf'],
    ready: () => until('nats', READY_MS, () => answersHttp(`http://${address}:8222/healthz`)),
  };
}

async function postgres({ name, address }: HostLayout): Promise<UnitSpec> {
  const root = hostRoot(name);
  const binaries = (await run('sh', ['-c', `ls -d ${root}/usr/lib/postgresql/*/bin`]))
    .slice(root.length)
    .trim();
  await run('chroot', [root, 'install', '-d', '-o', 'postgres', '/run/postgresql']);
  const settings = {
    listen_addresses: `127.0.0.1,${address}`,
    max_connections: '300',
    shared_buffers: '128MB',
    log_line_prefix: '%m [%p] ',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return {
    name: 'postgres',
    host: name,
    files: 'host',
    argv: [...AS_POSTGRES, `${binaries}/postgres`, '-D', DATA, ...options],
    stopSignal: 'SIGINT',
    ready: () =>
      until('postgres', READY_MS, async () => {
        await run('nsenter', [
          `--net=/run/netns/${name}`,
          `--root=${root}`,
          `--wd=${root}`,
          '--',
          'pg_isready',
          '-q',
          '-h',
          address,
        ]);
        return true;
      }),
  };
}

const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];
