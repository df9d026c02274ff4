import type { Config } from './config.js';
import type { Logger } from './logger.js';

/** What a service gets from its composition root. */
export interface ServiceContext {
  readonly config: Config;
  readonly log: Logger;
  /** Aborts when the process is asked to stop; a service releases what it holds and resolves. */
  readonly signal: AbortSignal;
}

/** A service runs until its signal aborts; it rejects only for what trying again cannot mend. */
export type Service = (context: ServiceContext) => Promise<void>;

/** Aborts on SIGINT and SIGTERM. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`stopped by ${name}`)));
  }
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Resolves with the work, or with undefined when the signal aborts first. No listener stays on a signal that lives on. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => undefined;
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
