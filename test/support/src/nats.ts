import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { findLab } from '@reinvite/lab';
import { GenericContainer, Wait } from 'testcontainers';
import { eventually } from './eventually.js';

/** A NATS server with JetStream and nothing in it. */
export interface NatsServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** How a server differs from one that lets everybody in. */
export interface NatsSettings {
  /** Of nats-server, beside JetStream and where it listens. `@DIR@` stands for the directory of `files`. */
  readonly config: string;
  /** Files that the configuration names, by name. */
  readonly files: Readonly<Record<string, string>>;
}

const PLAIN: NatsSettings = { config: '', files: {} };
const CONFIG = 'nats.conf';

export async function natsInDocker(settings: NatsSettings = PLAIN): Promise<NatsServer> {
  const dir = '/etc/reinvite-test';
  const container = await new GenericContainer('nats:2.12-alpine')
    .withCommand(['--jetstream', '--store_dir', '/tmp/nats', '--config', `${dir}/${CONFIG}`])
    .withCopyContentToContainer(
      Object.entries(filesOf(settings, dir)).map(([name, content]) => ({
        content,
        target: `${dir}/${name}`,
      })),
    )
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(4222)}`,
    stop: async () => {
      await container.stop();
    },
  };
}

/** A server of its own in the lab's `core`, at a port that the kernel chooses. */
export async function natsInLab(name: string, settings: NatsSettings = PLAIN): Promise<NatsServer> {
  const lab = await findLab(name);
  const id = `nats-${randomUUID()}`;
  const dir = path.join(lab.info.shared, id);
  await mkdir(dir, { mode: 0o777 });
  const files = Object.entries(filesOf(settings, `/lab/${id}`));
  await Promise.all(files.map(([file, content]) => writeFile(path.join(dir, file), content)));
  const host = lab.info.hosts.core?.address ?? '';
  const argv = [
    'nats-server',
    '--addr',
    host,
    '--port',
    '-1',
    '--jetstream',
    '--store_dir',
    `/lab/${id}/store`,
    '--config',
    `/lab/${id}/${CONFIG}`,
  ];
  const server = lab.spawn('core', [...argv, '--ports_file_dir', `/lab/${id}`], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const url = await eventually('nats-server to listen', async () => {
    if (server.exitCode !== null) throw new Error(`nats-server ended with ${server.exitCode}`);
    const file = (await readdir(dir)).find((entry) => entry.endsWith('.ports'));
    return file === undefined ? undefined : clientUrl(await readFile(path.join(dir, file), 'utf8'));
  });
  return {
    url,
    stop: async () => {
      server.kill();
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function filesOf({ config, files }: NatsSettings, dir: string): Record<string, string> {
  return { ...files, [CONFIG]: config.replaceAll('@DIR@', dir) };
}

/** The file is written in one go or not yet: an unfinished one is read again. */
function clientUrl(ports: string): string | undefined {
  return /"(?:nats|tls)":\s*\[\s*"((?:nats|tls):[^"]+)"/.exec(ports)?.[1];
}
