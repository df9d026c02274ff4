import { codedError } from '@reinvite/runtime';
import { identify, readPidFile, startedAt, stateOf, type ProcessIdentity } from './proc.js';

/** Asterisk notes its start-up time at most so long before its process started (clocks), or after it (a slow machine). */
const BEFORE_MS = 5_000;
const AFTER_MS = 120_000;

/** What a pid file tells of the process that it names. */
export type Sighting = 'alive' | 'dead' | 'unknown';

/**
 * The local Asterisk as a process, found by its pid file. Without a pid file nothing is ever known: neither that it lives nor
 * that it is dead.
 */
export class AsteriskProcess {
  constructor(private readonly pidFile: string | undefined) {}

  /**
   * The process of an incarnation; undefined where the pid file names none whose start fits. A pid is only ever believed,
   * and killed, with its start.
   */
  ofIncarnation(incarnation: string): ProcessIdentity | undefined {
    const process = this.current();
    if (process === undefined) return undefined;
    const lag = Number(incarnation) - startedAt(process);
    return lag >= -BEFORE_MS && lag <= AFTER_MS ? process : undefined;
  }

  /** Whether any process that the pid file names lives. */
  sighted(): Sighting {
    if (this.pidFile === undefined) return 'unknown';
    const process = this.current();
    return process !== undefined && stateOf(process) === 'alive' ? 'alive' : 'dead';
  }

  private current(): ProcessIdentity | undefined {
    if (this.pidFile === undefined) return undefined;
    const pid = readPidFile(this.pidFile);
    return pid === undefined ? undefined : identify(pid);
  }
}

/**
 * Kills a process that must not live on; signals nobody else.
 * @throws CodedError `FENCE_FAILED` where the system does not allow it.
 */
export function killProcess(target: ProcessIdentity): void {
  if (stateOf(target) === 'gone') return;
  try {
    process.kill(target.pid, 'SIGKILL');
  } catch (cause) {
    if (stateOf(target) === 'gone') return;
    throw codedError('FENCE_FAILED', `cannot kill process ${target.pid}`, { pid: target.pid }, cause);
  }
}
