import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { codedError } from '@reinvite/runtime';
import { preflight } from '../preflight.mjs';
import { isAlive } from './registry.js';
import { Lab } from './lab.js';
import { readLines, sendLine } from './lines.js';
import { specOf, type LabOptions, type LabSpec } from './options.js';
import { HOSTS_DIR, LAB_PACKAGE, labPaths } from './paths.js';
import { supervisorMessage, type LabInfo } from './protocol.js';
import { findRoot } from './root.js';

/** Whoever looks whether a lab is up holds its lock for that moment. One that was up has been refused before. */
const LOCK_WAIT_SECONDS = '20';
/** Exit code of flock when the lock is held. */
const LOCK_HELD = 75;

/**
 * Brings a lab up: builds its root file system if the cache has none, and resolves when all of it serves.
 *
 * @throws CodedError `LAB_UNSUPPORTED` before anything is changed when the machine cannot run it, `LAB_REQUEST_INVALID`,
 *   `LAB_EXISTS`, `LAB_ROOT_FAILED` or `LAB_START_FAILED`; nothing of the lab stays then.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const spec = specOf(options);
  const progress = options.onProgress ?? (() => undefined);
  const machine = await preflight();
  if (!machine.ok) throw codedError('LAB_UNSUPPORTED', `this machine lacks: ${machine.missing.join('; ')}`);
  if (await isAlive(spec.name)) throw alreadyUp(spec.name);
  const layers = await findRoot(progress, options.signal);
  options.signal?.throwIfAborted();

  const { child, link } = launch(spec, layers);
  const abandon = (): void => void link.end();
  options.signal?.addEventListener('abort', abandon, { once: true });
  try {
    const info = await whenReady(spec.name, child, link, progress);
    settleOwner(options.owner, info, link);
    child.unref();
    link.unref();
    return new Lab(info);
  } catch (error) {
    link.end();
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abandon);
  }
}

function launch(spec: LabSpec, layers: string): { child: ChildProcess; link: Socket } {
  const paths = labPaths(spec.name);
  mkdirSync(path.dirname(paths.lock), { recursive: true });
  const errors = openSync(paths.errors, 'w');
  const child = spawn(
    'flock',
    [
      ...['--no-fork', '--wait', LOCK_WAIT_SECONDS, '--conflict-exit-code', String(LOCK_HELD), paths.lock],
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
      ...['sh', path.join(LAB_PACKAGE, 'scripts', 'namespace.sh'), HOSTS_DIR],
      ...[process.execPath, path.join(LAB_PACKAGE, 'dist', 'supervisor', 'main.js')],
    ],
    // A session of its own: a Ctrl-C at the terminal is the starter's to handle.
    { detached: true, cwd: '/', stdio: ['ignore', errors, errors, 'pipe'] },
  );
  closeSync(errors);
  const link = child.stdio[3] as Socket;
  // That the other end is gone is told by the end of its messages.
  link.on('error', () => undefined);
  sendLine(link, { type: 'launch', spec, layers, pid: child.pid });
  return { child, link };
}

async function whenReady(
  name: string,
  child: ChildProcess,
  link: Socket,
  progress: (line: string) => void,
): Promise<LabInfo> {
  const exit = exitOf(child);
  for await (const message of readLines(link, supervisorMessage)) {
    if (message.type === 'ready') return message.info;
    if (message.type === 'progress') progress(message.line);
    else {
      await exit;
      throw codedError(message.code, message.message);
    }
  }
  const how = await exit;
  if (how === LOCK_HELD) throw alreadyUp(name);
  throw codedError(
    'LAB_START_FAILED',
    `the lab ended while it was starting (${how})\n${readFileSync(labPaths(name).errors, 'utf8')}`,
  );
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

/** Binds the lab's life: to the link, which ends with this process, to another process, or to nothing but `down`. */
function settleOwner(owner: LabOptions['owner'], info: LabInfo, link: Socket): void {
  if (owner === undefined) return;
  if (typeof owner === 'number') {
    const paths = labPaths(info.name);
    const script = path.join(LAB_PACKAGE, 'scripts', 'owner-watch.pl');
    const watch = spawn('perl', [script, String(owner), String(info.pid), paths.lock, paths.dir], {
      detached: true,
      cwd: '/',
      stdio: 'ignore',
    });
    watch.unref();
  }
  sendLine(link, { type: 'detach' });
}

function alreadyUp(name: string): Error {
  return codedError('LAB_EXISTS', `a lab "${name}" is up already`, { name });
}
