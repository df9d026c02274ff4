import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { codedError, type CodedError } from '@reinvite/runtime';
import { PacketReader, writeAction, type AmiPacket } from './packets.js';

/** How long Asterisk may take over an action, its list included. */
const ACTION_TIMEOUT_MS = 5_000;

export interface AmiAccess {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly secret: string;
}

interface Asked {
  readonly action: string;
  readonly listed: AmiPacket[];
  readonly resolve: (answer: AmiAnswer) => void;
  readonly reject: (error: CodedError) => void;
  readonly timer: NodeJS.Timeout;
}

/** The response to an action, and the events that it listed. */
export interface AmiAnswer {
  readonly response: AmiPacket;
  readonly listed: readonly AmiPacket[];
}

/** One TCP connection to a manager interface, from its greeting to its end; made by {@link openSession}. */
export class AmiSession {
  private readonly reader = new PacketReader();
  private readonly asked = new Map<string, Asked>();
  private count = 0;
  private end: string | undefined;
  private onEvent: (event: AmiPacket) => void = () => undefined;
  private onEnd: (reason: string) => void = () => undefined;

  constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8').setNoDelay(true).setKeepAlive(true, 10_000);
    socket.on('data', (text: string) => this.arrived(text));
    socket.on('error', (error) => this.close(error.message));
    socket.on('close', () => this.close('the connection was closed'));
  }

  /** @throws CodedError `AMI_UNAUTHORIZED` or that of {@link ask}. The secret itself is not sent. */
  async login({ username, secret }: AmiAccess): Promise<void> {
    const { response } = await this.ask('Challenge', { AuthType: 'MD5' });
    const key = createHash('md5')
      .update(`${response['Challenge'] ?? ''}${secret}`)
      .digest('hex');
    await this.ask('Login', { AuthType: 'MD5', Username: username, Key: key });
  }

  /**
   * Carries out an action; resolves with its response and, where it gives a list, all of that.
   * @throws CodedError `AMI_UNREACHABLE`, `AMI_UNAUTHORIZED` (of `Login`), `AMI_REQUEST_FAILED` with what Asterisk says.
   */
  ask(action: string, headers: Readonly<Record<string, string>> = {}): Promise<AmiAnswer> {
    return new Promise((resolve, reject) => {
      if (this.end !== undefined) {
        reject(unreachable(action, this.end));
        return;
      }
      this.count += 1;
      const id = `reinvite-${this.count}`;
      const text = writeAction({ Action: action, ActionID: id, ...headers });
      const timer = setTimeout(() => {
        this.asked.delete(id);
        reject(unreachable(action, `no answer within ${ACTION_TIMEOUT_MS} ms`));
      }, ACTION_TIMEOUT_MS);
      this.asked.set(id, { action, listed: [], resolve, reject, timer });
      this.socket.write(text);
    });
  }

  /** Events that answer no action, from now on. */
  deliverTo(onEvent: (event: AmiPacket) => void): void {
    this.onEvent = onEvent;
  }

  /** At once where it has ended already. */
  onClosed(onEnd: (reason: string) => void): void {
    if (this.end === undefined) this.onEnd = onEnd;
    else onEnd(this.end);
  }

  close(reason: string): void {
    if (this.end !== undefined) return;
    this.end = reason;
    this.socket.destroy();
    for (const asked of this.asked.values()) {
      clearTimeout(asked.timer);
      asked.reject(unreachable(asked.action, reason));
    }
    this.asked.clear();
    this.onEnd(reason);
  }

  private arrived(text: string): void {
    try {
      for (const packet of this.reader.read(text)) this.take(packet);
    } catch (error) {
      this.close(error instanceof Error ? error.message : String(error));
    }
  }

  private take(packet: AmiPacket): void {
    const id = packet['ActionID'];
    const asked = id === undefined ? undefined : this.asked.get(id);
    if (id === undefined || asked === undefined) {
      if (packet['Event'] !== undefined) this.onEvent(packet);
      return;
    }
    const state = packet['EventList']?.toLowerCase();
    if (packet['Response'] === 'Error') this.settle(id, asked, refused(asked.action, packet));
    else if (packet['Event'] !== undefined && state === undefined) asked.listed.push(packet);
    else if (state !== 'start') this.settle(id, asked, packet);
  }

  private settle(id: string, asked: Asked, answer: AmiPacket | CodedError): void {
    clearTimeout(asked.timer);
    this.asked.delete(id);
    if (answer instanceof Error) asked.reject(answer);
    else asked.resolve({ response: answer, listed: asked.listed });
  }
}

/**
 * Connects and logs in.
 * @throws CodedError `AMI_UNREACHABLE`, `AMI_UNAUTHORIZED`
 */
export async function openSession(access: AmiAccess, signal: AbortSignal): Promise<AmiSession> {
  const { host, port } = access;
  signal.throwIfAborted();
  const session = new AmiSession(connect({ host, port }));
  const aborted = (): void => session.close('aborted');
  signal.addEventListener('abort', aborted, { once: true });
  try {
    await session.login(access);
    return session;
  } catch (error) {
    session.close('login failed');
    throw error;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

function unreachable(action: string, why: string): CodedError {
  return codedError('AMI_UNREACHABLE', `${action}: ${why}`);
}

function refused(action: string, packet: AmiPacket): CodedError {
  const why = packet['Message'] ?? 'no reason given';
  return codedError(action === 'Login' ? 'AMI_UNAUTHORIZED' : 'AMI_REQUEST_FAILED', `${action}: ${why}`);
}
