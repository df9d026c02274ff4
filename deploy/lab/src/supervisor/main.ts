/**
 * The supervisor: the one process that makes a lab and holds it.
 *
 * 1. It runs in mount, PID and network namespaces of its own (scripts/namespace.sh): its end, however it comes, is the
 *    end of all that it made.
 * 2. Until the lab is ready, and after that unless the starter says `detach`, the lab lives only as long as the starter
 *    holds its end of descriptor 3.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { isCoded } from '@reinvite/runtime';
import { readLines, sendLine } from '../lines.js';
import { messageOf } from '../messages.js';
import { labPaths } from '../paths.js';
import { starterMessage, type StarterMessage, type SupervisorMessage } from '../protocol.js';
import { buildLab } from './build.js';
import { serveControl } from './control-server.js';
import { Operations } from './operations.js';

const STARTER_DESCRIPTOR = 3;

type Launch = Extract<StarterMessage, { type: 'launch' }>;

const starter = new Socket({ fd: STARTER_DESCRIPTOR });
// The starter's end is noticed by the end of its messages, below.
starter.on('error', () => undefined);
const tell = (message: SupervisorMessage): void => {
  if (starter.writable) sendLine(starter, message);
};

let stateDir: string | undefined;
let leaving = false;

async function leave(code: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  if (stateDir !== undefined) await rm(stateDir, { recursive: true, force: true });
  process.exit(code);
}

async function launch({ spec, layers, pid }: Launch): Promise<void> {
  const paths = labPaths(spec.name);
  stateDir = paths.dir;
  try {
    // Left by a lab of this name that was killed: its lock is ours now.
    await rm(paths.dir, { recursive: true, force: true });
    await mkdir(paths.dir, { recursive: true });
    await writeFile(paths.pid, String(pid));
    const { info, units } = await buildLab(spec, layers, pid, (line) => tell({ type: 'progress', line }));
    await serveControl(paths.control, new Operations(units, info), () => void leave(0));
    await writeFile(paths.state, JSON.stringify(info, undefined, 2));
    tell({ type: 'ready', info });
  } catch (error) {
    const code = isCoded(error) ? error.code : 'LAB_START_FAILED';
    const message = isCoded(error) ? messageOf(error) : String((error as Error).stack);
    tell({ type: 'failed', code, message });
    starter.end();
    starter.once('close', () => void leave(1));
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(0));

let detached = false;
try {
  for await (const message of readLines(starter, starterMessage)) {
    if (message.type === 'launch') void launch(message);
    else detached = true;
  }
} catch (error) {
  process.stderr.write(`lab: the starter's link broke: ${String(error)}\n`);
}
if (!detached) await leave(0);
