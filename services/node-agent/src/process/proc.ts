import { readdirSync, readFileSync } from 'node:fs';

/** A process for certain: a pid is used again, but not with the same start. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the machine's boot and the process's start (`/proc/<pid>/stat`, field 22). */
  readonly startTicks: number;
}

/**
 * `dying`: it has been killed or dumps its core. Its program runs no more and it cannot come back, though the kernel is not
 * done with it and its sockets may still be open: for some 10 to 100 ms, and for as long as writing a core takes.
 */
export type ProcessState = 'alive' | 'dying' | 'gone';

/** Linux has shown times in /proc in this unit on every architecture since 2.6. */
const TICKS_PER_SECOND = 100;

/** The pid that stands in a file; undefined where there is no such file or no pid in it. */
export function readPidFile(path: string): number | undefined {
  const text = read(path)?.trim();
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

/** The process that has this pid now. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks };
}

/**
 * What has become of a process. A zombie counts as alive while other threads of it run. A pid that another process has got
 * is `gone`.
 */
export function stateOf(process: ProcessIdentity): ProcessState {
  const stat = readStat(process.pid);
  if (stat === undefined || stat.startTicks !== process.startTicks) return 'gone';
  if ((stat.state === 'Z' || stat.state === 'X') && !hasOtherThreads(process.pid)) return 'gone';
  return isDying(read(`/proc/${process.pid}/status`) ?? '') ? 'dying' : 'alive';
}

/** When a process started, in epoch ms; good to about a second. */
export function startedAt(process: ProcessIdentity): number {
  const boot = /^btime (\d+)$/m.exec(read('/proc/stat') ?? '')?.[1] ?? '0';
  return Number(boot) * 1_000 + (process.startTicks * 1_000) / TICKS_PER_SECOND;
}

const PENDING_SIGNALS = /^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm;
/** Bit of SIGKILL (9) in the last three hexadecimal digits of a set of signals. */
const SIGKILL_BIT = 1 << 8;

/** SIGKILL cannot be caught, blocked or taken back: once it is pending, the process never again runs its own code. */
function isDying(status: string): boolean {
  if (/^CoreDumping:\s*1$/m.test(status)) return true;
  for (const [, signals = ''] of status.matchAll(PENDING_SIGNALS)) {
    if ((Number.parseInt(signals.slice(-3), 16) & SIGKILL_BIT) !== 0) return true;
  }
  return false;
}

interface Stat {
  readonly state: string;
  readonly startTicks: number;
}

/** The name of a program stands in brackets and may hold brackets and blanks: fields count from the last one. */
function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = Number(fields[19]);
  return state === undefined || !Number.isSafeInteger(startTicks) ? undefined : { state, startTicks };
}

function hasOtherThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** A file that is there; procfs answers from memory, so reading it never waits. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR';
}
