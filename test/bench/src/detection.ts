import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Bus, subjects } from '@reinvite/bus';
import { heartbeat, nodeDown } from '@reinvite/domain';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { spreadOf, type Spread } from './latency.js';
import type { BenchOptions } from './options.js';

const MAIN = fileURLToPath(new URL('../../../services/cli/dist/main.js', import.meta.url));
const PORTS = ['5070', '5071'] as const;
const LOOK_MS = 10;
const PATIENCE_MS = 60_000;
/** A call that is not up by then has failed, and another one is made for it. */
const SET_UP_MS = 5_000;

export interface Detection {
  readonly kills: number;
  readonly calls: number;
  /** ms from the SIGKILL until a consumer of the stream had the `NodeDown`. */
  readonly nodeDown: Spread;
  /** ms until a connection to Asterisk's HTTP server was seen to be closed: nobody who is not told can know earlier. */
  readonly floor: Spread;
}

/** Kills an Asterisk with live calls again and again, and measures when its `NodeDown` is there. Needs the lab. */
export async function measureDetection(
  { kills, calls }: Pick<BenchOptions, 'kills' | 'calls'>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Detection> {
  const lab = await startLab({ nodes: 1, reinvite: false, onProgress: say, signal });
  const stop = new AbortController();
  const log = createLogger('bench', 'silent');
  const children: ChildProcess[] = [];
  let bus: Bus | undefined;
  try {
    const downs = new Map<string, number>();
    let now:
      | { readonly incarnation: string | null; readonly liveChannels: number; readonly up: boolean }
      | undefined;
    bus = await Bus.connect({ servers: [lab.info.nats], name: 'bench', log, signal: stop.signal });
    bus.subscribe(subjects.heartbeat('ast1'), heartbeat, ({ incarnation, liveChannels, asterisk }) => {
      now = { incarnation, liveChannels, up: asterisk === 'up' };
    });
    void bus.tail({
      stream: 'nodeEvents',
      schema: nodeDown,
      after: async () => 0,
      maxBatch: 10,
      handler: async (batch) => {
        for (const { message } of batch) downs.set(message.incarnation, Date.now());
      },
    });
    children.push(...(await startServices(lab)), ...startPhones(lab));
    const nodeDownMs: number[] = [];
    const floorMs: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      signal.throwIfAborted();
      await until('Asterisk to be up', () => now?.up === true);
      const up = (): number => (now?.liveChannels ?? 0) / 2;
      for (const end = performance.now() + PATIENCE_MS; up() < calls;) {
        if (performance.now() > end) throw new Error(`waited for ${calls} calls in vain: ${up()} are up`);
        await call(lab, Math.ceil(calls - up()));
        const setUpBy = performance.now() + SET_UP_MS;
        while (up() < calls && performance.now() < setUpBy) await delay(LOOK_MS);
      }
      const incarnation = now?.incarnation ?? '';
      const closed = await whenClosed(lab);
      const { at } = await lab.kill('ast1');
      await until('NodeDown', () => downs.has(incarnation));
      nodeDownMs.push((downs.get(incarnation) ?? 0) - at);
      floorMs.push((await closed.at) - at);
      say(`kill ${kill + 1} of ${kills}`);
      await lab.start('ast1');
    }
    return { kills, calls, nodeDown: spreadOf(nodeDownMs), floor: spreadOf(floorMs) };
  } finally {
    stop.abort(new Error('measured'));
    await bus?.close();
    children.filter(({ exitCode }) => exitCode === null).forEach((child) => child.kill('SIGKILL'));
    await lab.down();
  }
}

/** A connection to Asterisk's HTTP server; `at` is when it ends, epoch ms. */
async function whenClosed(lab: Lab): Promise<{ readonly at: Promise<number> }> {
  const { hostname, port } = new URL(lab.info.ari['ast1']?.url ?? '');
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const at = new Promise<number>((resolve) => {
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(Date.now()));
  });
  return { at };
}

async function startServices(lab: Lab): Promise<ChildProcess[]> {
  const { url = '', username = '', password = '' } = lab.info.ari['ast1'] ?? {};
  const address = lab.info.hosts['ast1']?.address ?? '';
  const pidFile = lab.hostPath('ast1', '/run/asterisk/asterisk.pid').replace(/^\/proc\/\d+\/root/, '');
  const config = path.join(lab.info.shared, 'bench.json');
  const settings = {
    nats: { servers: [lab.info.nats] },
    postgres: { url: lab.info.postgres },
    nodes: [{ id: 'ast1', sipAddresses: [address], ari: { url: new URL(url).origin, username, password } }],
    nodeAgent: { nodeId: 'ast1', pidFile },
  };
  await writeFile(config, JSON.stringify(settings));
  const command = [process.execPath, MAIN];
  await lab.exec('core', [...command, 'migrate', '--config', config], { files: 'machine' });
  const run = (host: string, service: string): ChildProcess =>
    lab.spawn(host, [...command, 'run', service, '--config', config], { files: 'machine', stdio: 'ignore' });
  return [run('core', 'sentinel'), run('ast1', 'node-agent')];
}

function startPhones(lab: Lab): ChildProcess[] {
  const address = lab.info.hosts['phones']?.address ?? '';
  return PORTS.map((port) =>
    lab.spawn('phones', ['sipp', '-sn', 'uas', '-i', address, '-p', port, '-nostdin'], { stdio: 'ignore' }),
  );
}

async function call(lab: Lab, calls: number): Promise<void> {
  const { url = '', username = '', password = '' } = lab.info.ari['ast1'] ?? {};
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const endpoint = `PJSIP/edge/sip:phone-${PORTS[0]}@${lab.info.hosts['edge']?.address ?? ''}`;
  const target = { endpoint, context: 'from-edge', extension: `dial-${PORTS[1]}`, priority: '1' };
  for (let made = 0; made < calls; made += 1) {
    const query = new URLSearchParams(target).toString();
    const answer = await fetch(`${url}/channels?${query}`, { method: 'POST', headers: { authorization } });
    if (!answer.ok) throw new Error(`a call was refused: ${answer.status} ${await answer.text()}`);
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !isSo();) {
    if (performance.now() > end) throw new Error(`waited for ${what} in vain`);
    await delay(LOOK_MS);
  }
}
