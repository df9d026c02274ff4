import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { codedError } from '@reinvite/runtime';
import { messageOf } from '../messages.js';
import { hostRoot } from '../paths.js';
import type { UnitStatus } from '../protocol.js';

/** How to run one process of the lab. */
export interface UnitSpec {
  readonly name: string;
  readonly host: string;
  readonly argv: readonly string[];
  /** Whether it runs on the host's own file system, or on the machine's (with the host's network). */
  readonly files: 'host' | 'machine';
  /** TCP ports that are this process' alone on a host with several; a host can be cut off from them. */
  readonly ports?: readonly number[];
  /** Signal that stops it in order; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Resolves when it serves; given how to read what it said since it was started. */
  readonly ready: (said: () => Promise<string>) => Promise<void>;
}

/** Long: a process that is killed, as a postmaster, may leave what it has forked off behind. */
const STOP_TIMEOUT_MS = 60_000;
/** Bytes of a log quoted in an error. */
const QUOTED = 2_000;

/** One process of the lab, through its lives. It is never restarted by itself: a test wants to see it dead. */
export class Unit {
  private child: ChildProcess | undefined;
  private state: UnitStatus['state'] = 'stopped';
  private ended: string | null = null;
  private endedAt: number | null = null;
  private readonly logFile: string;
  private logStart = 0;

  constructor(
    readonly spec: UnitSpec,
    logs: string,
  ) {
    this.logFile = path.join(logs, `${spec.name}.log`);
  }

  status(): UnitStatus {
    const { name, host } = this.spec;
    return {
      name,
      host,
      pid: this.child?.pid ?? null,
      state: this.state,
      ended: this.ended,
      endedAt: this.endedAt,
    };
  }

  /**
   * Starts the process and resolves when it serves.
   * @throws CodedError `LAB_START_FAILED` with the end of its log, `LAB_COMMAND_FAILED` when it runs already.
   */
  async start(): Promise<void> {
    if (this.child !== undefined)
      throw codedError('LAB_COMMAND_FAILED', `${this.spec.name} is running already`);
    this.state = 'starting';
    this.ended = null;
    this.endedAt = null;
    const child = await this.launch();
    const gone = once(child, 'exit').then(() => {
      throw codedError(
        'LAB_START_FAILED',
        `${this.spec.name} ended (${this.ended ?? 'unknown'}) before it was ready`,
      );
    });
    try {
      await Promise.race([gone, this.spec.ready(() => this.said())]);
    } catch (error) {
      const tail = (await this.said()).slice(-QUOTED);
      throw codedError('LAB_START_FAILED', `${messageOf(error)}\n--- ${this.logFile}\n${tail}`, {}, error);
    }
    gone.catch(() => undefined);
    if (this.child === child) this.state = 'running';
  }

  /** Sends a signal; the process must be there. Gives when it was sent, in ms since the epoch. */
  signal(signal: NodeJS.Signals): number {
    if (this.child === undefined) throw codedError('LAB_COMMAND_FAILED', `${this.spec.name} is not running`);
    const at = now();
    this.child.kill(signal);
    // A process that is stopped stops nobody but itself; what it has forked off is as much a part of it.
    if (signal === 'SIGSTOP' || signal === 'SIGCONT')
      for (const pid of descendants(this.child.pid)) signalIfThere(pid, signal);
    if (signal === 'SIGSTOP') this.state = 'hung';
    if (signal === 'SIGCONT') this.state = 'running';
    return at;
  }

  get hung(): boolean {
    return this.state === 'hung';
  }

  /** SIGKILLs the process and resolves when it is reaped. A process that is gone already is as good as killed. */
  async kill(): Promise<number> {
    const child = this.child;
    if (child === undefined) return now();
    const gone = once(child, 'exit');
    const at = this.signal('SIGKILL');
    await gone;
    return at;
  }

  /** Stops the process in order, with SIGKILL if it does not end. Nothing to do when it is gone. */
  async stop(): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    if (this.hung) this.signal('SIGCONT');
    child.kill(this.spec.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
    this.state = 'stopped';
  }

  private async launch(): Promise<ChildProcess> {
    const { host, files, argv } = this.spec;
    const log = openSync(this.logFile, 'a');
    this.logStart = await this.size();
    const enter = [`--net=/run/netns/${host}`, `--uts=/run/netns/uts-${host}`];
    if (files === 'host') enter.push(`--root=${hostRoot(host)}`, `--wd=${hostRoot(host)}`);
    const child = spawn('nsenter', [...enter, '--', ...argv], {
      stdio: ['ignore', log, log],
      env: environment(files),
    });
    closeSync(log);
    this.child = child;
    child.once('error', (error) => this.over(child, error.message));
    child.once('exit', (code, signal) => this.over(child, signal ?? `exit ${code ?? '?'}`));
    return child;
  }

  private over(child: ChildProcess, how: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.state = 'ended';
    this.ended = how;
    this.endedAt = now();
  }

  private async size(): Promise<number> {
    const file = await open(this.logFile, 'r');
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  }

  private async said(): Promise<string> {
    const file = await open(this.logFile, 'r');
    try {
      const size = (await file.stat()).size - this.logStart;
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(Math.max(size, 0)),
        0,
        Math.max(size, 0),
        this.logStart,
      );
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** All processes below one, its children first. */
function descendants(pid: number | undefined): number[] {
  const children = pid === undefined ? [] : childrenOf(pid);
  return [...children, ...children.flatMap(descendants)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Milliseconds since the epoch, with microseconds as the fraction. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** A lab's process inherits nothing of its starter's environment that could change what it does. */
function environment(files: UnitSpec['files']): NodeJS.ProcessEnv {
  const path =
    files === 'host' ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : process.env.PATH;
  return { PATH: path, HOME: '/root', LC_ALL: 'C.UTF-8' };
}
