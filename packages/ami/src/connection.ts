import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import type { AmiPacket } from './packets.js';
import { openSession, type AmiAccess, type AmiAnswer, type AmiSession } from './session.js';

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;
/** A wrong password is not mended by haste. */
const RETRY_UNAUTHORIZED_MS = 5_000;

export interface AmiOptions extends AmiAccess {
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface AmiConnectionEvents {
  /** Logged in. */
  up: [];
  /** Only ever after `up`. */
  down: [{ readonly reason: string }];
  /** `Event` names it. */
  event: [AmiPacket];
}

/**
 * A connection to a manager interface that comes back by itself until the signal aborts. `up` and `down` alternate, `event` comes
 * only between them. Whatever the other side sends, it never throws.
 */
export class AmiConnection extends EventEmitter<AmiConnectionEvents> {
  private session: AmiSession | undefined;

  constructor(private readonly options: AmiOptions) {
    super();
  }

  get isUp(): boolean {
    return this.session !== undefined;
  }

  /**
   * Carries out an action.
   * @throws CodedError `AMI_UNREACHABLE`, `AMI_REQUEST_FAILED`
   */
  async ask(action: string, headers: Readonly<Record<string, string>> = {}): Promise<AmiAnswer> {
    if (this.session === undefined) throw codedError('AMI_UNREACHABLE', `${action}: not connected`);
    return this.session.ask(action, headers);
  }

  /** Connects and reconnects until the signal aborts; called once, by {@link connectAmi}. */
  async run(): Promise<void> {
    const { log, signal } = this.options;
    let wait = RETRY_MIN_MS;
    let said = false;
    while (!signal.aborted) {
      try {
        const session = await openSession(this.options, signal);
        wait = RETRY_MIN_MS;
        said = false;
        await this.live(session);
      } catch (err) {
        if (signal.aborted) return;
        if (isCoded(err, 'AMI_UNAUTHORIZED')) wait = RETRY_UNAUTHORIZED_MS;
        const { code, message } = isCoded(err) ? err : { code: 'AMI_UNREACHABLE', message: String(err) };
        log[said ? 'debug' : 'warn']({ code, problem: message }, 'no AMI connection, trying again');
        said = true;
      }
      await delay(wait, undefined, { signal }).catch(() => undefined);
      wait = Math.min(wait * 2, RETRY_MAX_MS);
    }
  }

  private live(session: AmiSession): Promise<void> {
    const { log, signal } = this.options;
    return new Promise((resolve) => {
      const aborted = (): void => session.close('aborted');
      this.session = session;
      session.deliverTo((event) => this.tell(() => this.emit('event', event)));
      session.onClosed((reason) => {
        signal.removeEventListener('abort', aborted);
        this.session = undefined;
        this.tell(() => this.emit('down', { reason }));
        log[signal.aborted ? 'debug' : 'warn']({ reason }, 'AMI connection is down');
        resolve();
      });
      signal.addEventListener('abort', aborted, { once: true });
      if (signal.aborted) aborted();
      else {
        log.info('AMI connection is up');
        this.tell(() => this.emit('up'));
      }
    });
  }

  /** A listener that throws must not take the socket's handler down with it. */
  private tell(emit: () => void): void {
    try {
      emit();
    } catch (err) {
      this.options.log.error({ err }, 'a listener of the AMI connection failed');
    }
  }
}

/** Connects in the background, and for ever: see {@link AmiConnection}. */
export function connectAmi(options: AmiOptions): AmiConnection {
  const connection = new AmiConnection(options);
  void connection.run();
  return connection;
}
