import { codedError, type CodedError } from '@reinvite/runtime';
import { connect, type Client, type Operation } from 'ari-client';
import type { z } from 'zod';
import type { AriOptions } from './options.js';
import { requestError, withDeadline } from './request.js';

const LIVENESS_MS = 3_000;
const OPEN_TIMEOUT_MS = 5_000;

/** One life of the WebSocket and the REST client that belongs to it. */
export class Session {
  private closedFor: string | undefined;
  private heardAt = performance.now();
  private readonly waiting: unknown[] = [];
  private deliver: (raw: unknown) => void = (raw) => void this.waiting.push(raw);
  private whenClosed: (reason: string) => void = () => undefined;

  constructor(
    private readonly client: Client,
    livenessMs: number,
    signal: AbortSignal,
  ) {
    client.on('event', (raw: unknown) => {
      this.heardAt = performance.now();
      this.deliver(raw);
    });
    client.on('pong', () => {
      this.heardAt = performance.now();
    });
    client.on('WebSocketClosed', (reason: string) => this.closed(reason));
    const liveness = setInterval(() => this.checkLiveness(livenessMs), livenessMs / 3);
    const stop = (): void => this.end('stopped');
    signal.addEventListener('abort', stop, { once: true });
    this.release = () => {
      clearInterval(liveness);
      signal.removeEventListener('abort', stop);
    };
  }

  private readonly release: () => void;

  /** Hands over the messages that have come, and from now on each at once. */
  deliverTo(consumer: (raw: unknown) => void): void {
    this.deliver = consumer;
    this.waiting.splice(0).forEach(consumer);
  }

  /** Calls back in the very turn in which the socket closes; at once where it has closed already. */
  onClosed(callback: (reason: string) => void): void {
    if (this.closedFor !== undefined) callback(this.closedFor);
    else this.whenClosed = callback;
  }

  end(reason: string): void {
    this.closed(reason);
    this.client.terminate();
  }

  async call<T>(
    resource: string,
    operation: string,
    parameters: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
    timeoutMs: number,
  ): Promise<T> {
    const what = `${resource}.${operation}`;
    const run = operationOf(this.client, resource, operation);
    const defined = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
    const request = run(defined).catch((error: unknown) => {
      throw requestError(what, error);
    });
    const result = answer.safeParse(await withDeadline(what, request, timeoutMs));
    if (!result.success)
      throw codedError('ARI_REQUEST_FAILED', `${what}: unexpected answer`, { status: 200 }, result.error);
    return result.data;
  }

  private closed(reason: string): void {
    if (this.closedFor !== undefined) return;
    this.closedFor = reason;
    this.release();
    this.whenClosed(reason);
  }

  private checkLiveness(livenessMs: number): void {
    if (performance.now() - this.heardAt > livenessMs) this.end(`silent for ${livenessMs} ms`);
    else this.client.ping();
  }
}

/**
 * Loads Asterisk's API description and opens the WebSocket.
 * @throws CodedError as {@link requestError} makes it.
 */
export async function openSession(options: AriOptions): Promise<Session> {
  const {
    url,
    username,
    password,
    ca,
    app,
    subscribeAll = false,
    livenessMs = LIVENESS_MS,
    signal,
  } = options;
  const opening = connect(url, username, password, { ca }).catch((error: unknown) => {
    throw notReady(requestError('loading the API description', error));
  });
  const client = await withDeadline('loading the API description', opening, OPEN_TIMEOUT_MS);
  const session = new Session(client, livenessMs, signal);
  try {
    const started = client.start(app, subscribeAll).catch((error: unknown) => {
      throw notReady(requestError('opening the WebSocket', error));
    });
    await withDeadline('opening the WebSocket', started, OPEN_TIMEOUT_MS);
    return session;
  } catch (error) {
    session.end('not opened');
    throw error;
  }
}

/** Until ARI is loaded, Asterisk's HTTP server answers 404 there. */
function notReady(error: CodedError): CodedError {
  if (error.code !== 'ARI_NOT_FOUND') return error;
  return codedError('ARI_UNREACHABLE', 'ARI is not loaded', { ...error.details, maybeSent: false }, error);
}

function operationOf(client: Client, resource: string, operation: string): Operation {
  const group = client[resource];
  const run =
    typeof group === 'object' && group !== null ? (group as Record<string, unknown>)[operation] : undefined;
  if (typeof run !== 'function') {
    throw codedError('ARI_REQUEST_FAILED', `${resource}.${operation}: this Asterisk does not have it`, {
      status: 0,
    });
  }
  return run as Operation;
}
