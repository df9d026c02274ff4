import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostRoot, POSTGRES_DATA } from '../paths.js';
import type { HostLayout } from '../layout.js';
import { run } from './run.js';
import { natsRouteTls, natsTls, securePostgres } from './security.js';
import type { UnitSpec } from './unit.js';
import { answersHttp, READY_MS, until } from './wait.js';

const NATS_PORT = 4222;
const NATS_CLUSTER_PORT = 6222;
const POSTGRES_PORT = 5432;

export const natsUrl = (core: string, login = ''): string => `nats://${login}${core}:4222`;
export const postgresUrl = (core: string): string => `postgres://reinvite:reinvite@${core}:5432/reinvite`;

/**
 * NATS with JetStream, and PostgreSQL. Both keep their data in the host's file system, which is memory.
 * @param natsHosts of the NATS servers beside the one on `core`; with them it is a cluster
 * @param postgresDiskMb size of a file system for PostgreSQL alone
 * @param authorization who may do what on NATS; with it both serve over TLS, and only those who have a login
 */
export async function coreUnits(
  core: HostLayout,
  natsHosts: readonly HostLayout[],
  postgresDiskMb: number | undefined,
  authorization?: string,
): Promise<UnitSpec[]> {
  const cluster = [core, ...natsHosts];
  return Promise.all([
    ...cluster.map((host, index) => nats(index === 0 ? 'nats' : host.name, host, cluster, authorization)),
    postgres(core, postgresDiskMb, authorization !== undefined),
  ]);
}

async function nats(
  unit: string,
  { name, address }: HostLayout,
  cluster: readonly HostLayout[],
  authorization: string | undefined,
): Promise<UnitSpec> {
  const config = {
    server_name: name,
    listen: `${address}:${NATS_PORT}`,
    http: `${address}:8222`,
    jetstream: { store_dir: '/var/lib/nats' },
    ...(authorization === undefined ? {} : { tls: natsTls(name) }),
    ...(cluster.length === 1
      ? {}
      : {
          cluster: {
            name: 'lab',
            listen: `${address}:${NATS_CLUSTER_PORT}`,
            ...(authorization === undefined ? {} : { tls: natsRouteTls(name) }),
            routes: cluster.map((one) => `nats-route://${one.address}:${NATS_CLUSTER_PORT}`),
          },
        }),
  };
  await mkdir(path.join(hostRoot(name), 'var/lib/nats'), { recursive: true });
  const settings = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  await writeFile(
    path.join(hostRoot(name), 'etc/nats-server.conf'),
    [...settings, authorization ?? '', ''].join('\n'),
    { mode: 0o600 },
  );
  return {
    name: unit,
    host: name,
    files: 'host',
    ports: [NATS_PORT, NATS_CLUSTER_PORT],
    argv: ['nats-server', '--config', '/etc/nats-server.conf'],
    ready: () => until(unit, READY_MS, () => answersHttp(`http://${address}:8222/healthz`)),
  };
}

async function postgres(core: HostLayout, diskMb: number | undefined, isSecure: boolean): Promise<UnitSpec> {
  const { name, address } = core;
  const root = hostRoot(name);
  if (diskMb !== undefined) await separateDisk(path.join(root, POSTGRES_DATA), diskMb);
  const binaries = (await run('sh', ['-c', `ls -d ${root}/usr/lib/postgresql/*/bin`]))
    .slice(root.length)
    .trim();
  await run('chroot', [root, 'install', '-d', '-o', 'postgres', '/run/postgresql']);
  const settings = {
    listen_addresses: `127.0.0.1,${address}`,
    max_connections: '300',
    shared_buffers: '128MB',
    log_line_prefix: '%m [%p] ',
    ...(isSecure ? await securePostgres(core, POSTGRES_DATA) : {}),
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return {
    name: 'postgres',
    host: name,
    files: 'host',
    ports: [POSTGRES_PORT],
    argv: [...AS_POSTGRES, `${binaries}/postgres`, '-D', POSTGRES_DATA, ...options],
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

/** Moves a directory to a file system of its own. */
async function separateDisk(directory: string, sizeMb: number): Promise<void> {
  const copy =
    'mount -t tmpfs -o size="$2m",mode=700 disk /mnt && cp -a "$1/." /mnt/ && chown --reference="$1" /mnt && mount --move /mnt "$1"';
  await run('sh', ['-c', copy, 'sh', directory, String(sizeMb)]);
}

const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];
