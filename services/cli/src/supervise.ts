import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { aborted, codedError, type Config, type Logger, type Service } from '@reinvite/runtime';

export interface Supervised {
  readonly name: string;
  readonly service: Service;
}

export interface SuperviseOptions {
  readonly config: Config;
  readonly createLogger: (service: string) => Logger;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** How long one service may take to stop before the next is told to. */
  readonly stopTimeoutMs: number;
}

interface Running {
  readonly name: string;
  readonly log: Logger;
  readonly stop: AbortController;
  /** Resolves in every case; `error` is set where the service failed. */
  readonly ended: Promise<{ readonly error?: unknown }>;
}

/**
 * Runs services side by side until the signal aborts or one of them ends, then stops them one after the other in the
 * given order. A service that is asked to stop may reject with its signal's reason; that is no failure.
 * @throws the error of the service that failed, or CodedError `SERVICE_ENDED` for one that ended unasked.
 */
export async function supervise(services: readonly Supervised[], options: SuperviseOptions): Promise<void> {
  const running = services.map((one) => start(one, options));
  const first = await Promise.race([
    aborted(options.signal).then(() => undefined),
    ...running.map(async (one) => ({ one, ...(await one.ended) })),
  ]);
  let failure = first === undefined ? undefined : failureOf(first.one, first.error);
  for (const one of running.filter((other) => other !== first?.one)) {
    const error = await stop(one, options.stopTimeoutMs);
    failure ??= error;
  }
  if (failure !== undefined) throw failure;
}

function start({ name, service }: Supervised, { config, createLogger }: SuperviseOptions): Running {
  const log = createLogger(name);
  const stop = new AbortController();
  // Every loop and every wait of the service listens to it.
  setMaxListeners(0, stop.signal);
  log.info('starting');
  const ended = (async () => service({ config, log, signal: stop.signal }))().then(
    () => ({}),
    (error: unknown) => (stop.signal.aborted && isStopReason(error, stop.signal) ? {} : { error }),
  );
  return { name, log, stop, ended };
}

function failureOf({ name, log }: Running, error: unknown): Error {
  if (error === undefined)
    return codedError('SERVICE_ENDED', `${name} ended without being asked to`, { service: name });
  log.fatal({ err: error }, `${name} failed`);
  return error instanceof Error
    ? error
    : codedError('SERVICE_ENDED', `${name} failed`, { service: name }, error);
}

/** @returns the error with which the service ended, if it did. */
async function stop(one: Running, timeoutMs: number): Promise<Error | undefined> {
  one.stop.abort(new Error('asked to stop'));
  const late = new AbortController();
  const result = await Promise.race([
    one.ended,
    delay(timeoutMs, 'late' as const, { signal: late.signal }).catch(() => 'late' as const),
  ]);
  late.abort();
  if (result === 'late') {
    one.log.warn({ timeoutMs }, `${one.name} did not stop in time`);
    return undefined;
  }
  if (result.error === undefined) one.log.info('stopped');
  return result.error === undefined ? undefined : failureOf(one, result.error);
}

/** The reason itself, or the `AbortError` that Node's own functions make of it. */
function isStopReason(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}
