import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostRoot } from './paths.js';
import type { LabInfo } from './protocol.js';

/** How a command runs on a host of the lab. */
export interface SpawnOptions {
  /**
   * `host` (default): in the host's own file system, as on a machine of its own. `machine`: in this machine's, with the
   * host's network; for programs of this checkout.
   */
  readonly files?: 'host' | 'machine';
  /** Added to the few variables that every command gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; default `/`. */
  readonly cwd?: string;
  readonly stdio?: StdioOptions;
}

/**
 * Starts a command on a host. It is ended with SIGKILL when this process is gone, and `kill` of what is given back
 * reaches the command itself, so that its exit is the command's own.
 */
export function spawnOn(
  info: LabInfo,
  host: string,
  argv: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const { files = 'host', cwd = '/' } = options;
  const namespaces = [`--target=${info.pid}`, '--mount', `--pid=/proc/${info.pid}/ns/pid_for_children`];
  const place =
    files === 'host' ? [`--root=${hostRoot(host)}`, `--wd=${hostRoot(host)}${cwd}`] : [`--wd=${cwd}`];
  const command = [
    'nsenter',
    `--net=/run/netns/${host}`,
    `--uts=/run/netns/uts-${host}`,
    ...place,
    '--',
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...argv,
  ];
  // The outer one ends with this process, and the command with the outer one.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', ...namespaces, '--', ...command], {
    cwd: '/',
    stdio: options.stdio ?? 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      TERM: process.env.TERM ?? 'dumb',
      ...options.env,
    },
  });
  const killOuter = child.kill.bind(child);
  child.kill = (signal?: NodeJS.Signals | number): boolean => {
    const inner = child.pid === undefined ? undefined : innerPid(child.pid);
    return inner === undefined ? killOuter(signal) : process.kill(inner, signal ?? 'SIGTERM');
  };
  return child;
}

/** The command behind an nsenter that waits for it: its only child. */
function innerPid(outer: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').split(' ');
    return first === undefined || first === '' ? undefined : Number(first);
  } catch {
    // The process has ended, or not forked yet.
    return undefined;
  }
}
