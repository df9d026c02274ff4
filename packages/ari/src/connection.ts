import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { codedError, isCoded } from '@reinvite/runtime';
import type { z } from 'zod';
import { AriAsterisk } from './asterisk.js';
import { AriBridges } from './bridges.js';
import { AriChannels } from './channels.js';
import { AriPlaybacks, AriRecordings } from './media.js';
import { readEvent, type AriEvent } from './events.js';
import { asteriskInfo, type AsteriskInfo } from './model.js';
import type { AriOptions } from './options.js';
import { openSession, type Session } from './session.js';

/** How long a REST request may take. */
const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 500;
/** A wrong password is not mended by haste. */
const RETRY_UNAUTHORIZED_MS = 5_000;

interface AriConnectionEvents {
  /** The WebSocket is open and REST answers; the events that follow are of this life of Asterisk. */
  up: [AsteriskInfo];
  /** At once when the WebSocket closes, whether Asterisk died or the network did. Only ever after `up`. */
  down: [{ readonly reason: string }];
  event: [AriEvent];
}

/**
 * A connection to one Asterisk that comes back by itself until the signal aborts.
 *
 * 1. `up` and `down` alternate; `event` comes only between an `up` and its `down`, in the order of the WebSocket.
 * 2. REST requests while it is down reject at once with `ARI_UNREACHABLE` and `details.maybeSent` false.
 * 3. All methods reject with coded errors only: `ARI_UNREACHABLE`, `ARI_UNAUTHORIZED`, `ARI_CONFLICT`, `ARI_NOT_FOUND`,
 *    `ARI_REQUEST_FAILED` (with `details.status`).
 */
export class AriConnection extends EventEmitter<AriConnectionEvents> {
  readonly channels: AriChannels;
  readonly bridges: AriBridges;
  readonly asterisk: AriAsterisk;
  readonly playbacks: AriPlaybacks;
  readonly recordings: AriRecordings;
  private session: Session | undefined;
  private current: AsteriskInfo | undefined;

  constructor(private readonly options: AriOptions) {
    super();
    this.setMaxListeners(0);
    const call = <T>(
      resource: string,
      operation: string,
      parameters: Readonly<Record<string, unknown>>,
      answer: z.ZodType<T>,
      timeoutMs = REQUEST_TIMEOUT_MS,
    ): Promise<T> => this.call(resource, operation, parameters, answer, timeoutMs);
    this.channels = new AriChannels(call);
    this.bridges = new AriBridges(call);
    this.asterisk = new AriAsterisk(call);
    this.playbacks = new AriPlaybacks(call);
    this.recordings = new AriRecordings(call);
  }

  /** The life of Asterisk that we are connected to, undefined while there is none. */
  get info(): AsteriskInfo | undefined {
    return this.current;
  }

  /** Resolves once it is up; rejects with the signal's reason when that aborts first. */
  async whenUp(): Promise<AsteriskInfo> {
    const { signal } = this.options;
    signal.throwIfAborted();
    if (this.current !== undefined) return this.current;
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', aborted, { once: true });
      this.once('up', (info) => {
        signal.removeEventListener('abort', aborted);
        resolve(info);
      });
    });
  }

  private async call<T>(
    resource: string,
    operation: string,
    parameters: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
    timeoutMs: number,
  ): Promise<T> {
    const { session } = this;
    if (session === undefined || this.current === undefined) {
      throw codedError('ARI_UNREACHABLE', `${resource}.${operation}: not connected`, {
        maybeSent: false,
        status: 0,
      });
    }
    return session.call(resource, operation, parameters, answer, timeoutMs);
  }

  /** Connects and reconnects until the signal aborts; called once, by {@link connectAri}. */
  async run(): Promise<void> {
    const { log, signal, app } = this.options;
    let wait = RETRY_MIN_MS;
    let said = false;
    while (!signal.aborted) {
      try {
        await this.runSession(() => {
          wait = RETRY_MIN_MS;
          said = false;
        });
      } catch (err) {
        if (signal.aborted) return;
        if (isCoded(err, 'ARI_UNAUTHORIZED')) wait = RETRY_UNAUTHORIZED_MS;
        const { code, message } = isCoded(err) ? err : { code: 'ARI_UNREACHABLE', message: String(err) };
        log[said ? 'debug' : 'warn']({ code, problem: message, app }, 'no ARI connection, trying again');
        said = true;
      }
      await delay(wait, undefined, { signal }).catch(() => undefined);
      wait = Math.min(wait * 2, RETRY_MAX_MS);
    }
  }

  private async runSession(whenUp: () => void): Promise<void> {
    const session = await openSession(this.options);
    try {
      // A session that was opened after the abort never heard of it.
      this.options.signal.throwIfAborted();
      const info = await session.call('asterisk', 'getInfo', {}, asteriskInfo, REQUEST_TIMEOUT_MS);
      whenUp();
      await this.live(session, info);
    } finally {
      session.end('ended');
    }
  }

  /** From `up` to `down`. */
  private live(session: Session, info: AsteriskInfo): Promise<void> {
    const { log, app } = this.options;
    return new Promise((resolve) => {
      this.session = session;
      this.current = info;
      log.info({ app, incarnation: info.incarnation, version: info.version }, 'ARI connection is up');
      this.tell(() => this.emit('up', info));
      session.deliverTo((raw) => this.deliver(raw));
      session.onClosed((reason) => {
        this.session = undefined;
        this.current = undefined;
        this.tell(() => this.emit('down', { reason }));
        const level = this.options.signal.aborted ? 'info' : 'warn';
        log[level]({ app, incarnation: info.incarnation, reason }, 'ARI connection is down');
        resolve();
      });
    });
  }

  private deliver(raw: unknown): void {
    const reading = readEvent(raw);
    if (reading.kind === 'event') this.tell(() => this.emit('event', reading.event));
    else if (reading.kind === 'invalid') {
      this.options.log.error(
        { event: reading.type, problem: reading.problem, code: 'ARI_EVENT_INVALID' },
        'ARI event dropped',
      );
    }
  }

  /** A listener that throws must not take the socket's handler down with it. */
  private tell(emit: () => void): void {
    try {
      emit();
    } catch (err) {
      this.options.log.error({ err, app: this.options.app }, 'a listener of the ARI connection failed');
    }
  }
}

/** Connects in the background, and for ever: see {@link AriConnection}. */
export function connectAri(options: AriOptions): AriConnection {
  const connection = new AriConnection(options);
  void connection.run();
  return connection;
}
