import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GUARD_MAIN = fileURLToPath(new URL('./guard-main.js', import.meta.url));

/** A guard that was started. */
export interface StartedGuard {
  /** It looks at the lease file from now on. */
  onReady(listener: () => void): void;
  /** It has ended, or could not be started; may be told more than once. */
  onEnd(listener: (why: string) => void): void;
  /** It needs its agent no longer. */
  letGo(): void;
}

/** Starts a guard of that name over a lease file. */
export type StartGuard = (file: string, name: string) => StartedGuard;

/** As a process in a session of its own: what ends the agent does not end it. */
export const spawnGuard: StartGuard = (file, name) => {
  const guard = spawn(process.execPath, [GUARD_MAIN, file, name], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    cwd: '/',
  });
  guard.unref();
  guard.channel?.unref();
  return {
    onReady: (listener) => guard.once('message', listener),
    onEnd: (listener) => {
      guard.once('error', (error) => listener(error.message));
      guard.once('exit', (code, signal) => listener(`${code ?? signal ?? 'unknown'}`));
    },
    letGo: () => {
      if (guard.connected) guard.disconnect();
    },
  };
};
