import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Bus, subjects } from '@reinvite/bus';
import { heartbeat, nodeDown } from '@reinvite/domain';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';

const MAIN = fileURLToPath(new URL('../../../services/cli/dist/main.js', import.meta.url));
const PORTS = ['5070', '5071'] as const;
const LOOK_MS = 10;
const PATIENCE_MS = 60_000;

export interface DetectionOptions {
  /** How often Asterisk is killed. */
  readonly kills: number;
  /** Calls that are up at each kill; each is two phones joined by `Dial`. */
  readonly calls: number;
}

export interface DetectionFigures {
  /** ms from the SIGKILL until a subscriber of NATS had the `NodeDown`, in order of size. */
  readonly detectionMs: readonly number[];
  readonly calls: number;
  /** Load averages of the last minute, before and after. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** Kills an Asterisk with live calls again and again, and measures when its `NodeDown` is there. Needs the lab. */
export async function measureDetection({ kills, calls }: DetectionOptions): Promise<DetectionFigures> {
  const [loadBefore = 0] = loadavg();
  const lab = await startLab({ nodes: 1, reinvite: false });
  const stop = new AbortController();
  const log = createLogger('bench', 'silent');
  const children: ChildProcess[] = [];
  try {
    const downs = new Map<string, number>();
    let now:
      | { readonly incarnation: string | null; readonly liveChannels: number; readonly up: boolean }
      | undefined;
    const bus = await Bus.connect({ servers: [lab.info.nats], name: 'bench', log, signal: stop.signal });
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
    const detectionMs: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      await until('Asterisk to be up', () => now?.up === true);
      await call(lab, calls);
      await until(`${calls} calls`, () => (now?.liveChannels ?? 0) >= 2 * calls);
      const incarnation = now?.incarnation ?? '';
      const { at } = await lab.kill('ast1');
      await until('NodeDown', () => downs.has(incarnation));
      detectionMs.push((downs.get(incarnation) ?? 0) - at);
      await lab.start('ast1');
    }
    const [loadAfter = 0] = loadavg();
    return { detectionMs: detectionMs.sort((a, b) => a - b), calls, loadBefore, loadAfter };
  } finally {
    stop.abort(new Error('measured'));
    children.filter(({ exitCode }) => exitCode === null).forEach((child) => child.kill('SIGKILL'));
    await lab.down();
  }
}

/** The value that this share of a sorted list does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
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
