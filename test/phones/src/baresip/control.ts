import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { z } from 'zod';

const GONE = 'baresip is gone';

interface Answer {
  readonly ok: boolean;
  readonly data: string;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** What baresip's module `ctrl_tcp` says: an answer to a command, or something that has happened. */
const message = z.union([
  z.object({ response: z.literal(true), ok: z.boolean(), data: z.string(), token: z.string().optional() }),
  z.object({
    event: z.literal(true),
    type: z.string(),
    id: z.string().optional(),
    param: z.string().optional(),
  }),
]);

/** Something that has happened at the phone: `CALL_ESTABLISHED`, `CALL_CLOSED`, `REGISTER_OK` and so on. */
export interface BaresipEvent {
  readonly type: string;
  /** Call-ID of the call that it is about. */
  readonly id: string | undefined;
  readonly param: string | undefined;
}

/** Takes netstrings (`LENGTH:TEXT,`) out of a stream of pieces of any size. Pure but for what it holds back. */
export class NetstringDecoder {
  private pending = Buffer.alloc(0);

  /** @throws Error for bytes that are no netstring. */
  push(bytes: Buffer): string[] {
    this.pending = Buffer.concat([this.pending, bytes]);
    const texts: string[] = [];
    for (;;) {
      const colon = this.pending.indexOf(0x3a);
      if (colon < 0) break;
      const digits = this.pending.toString('latin1', 0, colon);
      if (!/^\d{1,9}$/.test(digits)) throw new Error(`no netstring: ${JSON.stringify(digits.slice(0, 40))}`);
      const end = colon + 1 + Number(digits);
      if (this.pending.length <= end) break;
      if (this.pending[end] !== 0x2c) throw new Error('a netstring does not end where it says');
      texts.push(this.pending.toString('utf8', colon + 1, end));
      this.pending = this.pending.subarray(end + 1);
    }
    return texts;
  }
}

export function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}

/** A connection to one baresip, by which it is used as a person would use it. */
export class BaresipControl {
  private readonly decoder = new NetstringDecoder();
  private readonly waiting = new Map<string, Waiting>();
  private asked = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly onEvent: (event: BaresipEvent) => void,
  ) {
    socket.on('data', (bytes: Buffer) => {
      for (const text of this.decoder.push(bytes)) this.take(text);
    });
    // A phone that is gone is noticed by the end of its connection.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error(GONE));
      this.waiting.clear();
    });
  }

  /** @throws the socket's error where nobody listens. */
  static async connect(
    host: string,
    port: number,
    onEvent: (event: BaresipEvent) => void,
  ): Promise<BaresipControl> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new BaresipControl(socket, onEvent);
  }

  /**
   * Gives a command of baresip's menu, such as `dial`.
   * @returns what it says.
   * @throws Error with what it says where it refuses, or that it is gone.
   */
  async command(command: string, params?: string): Promise<string> {
    if (!this.isOpen) throw new Error(GONE);
    const token = String((this.asked += 1));
    const answer = new Promise<Answer>((resolve, reject) => this.waiting.set(token, { resolve, reject }));
    this.socket.write(
      netstring(JSON.stringify({ command, token, ...(params === undefined ? {} : { params }) })),
    );
    const { ok, data } = await answer;
    if (!ok) throw new Error(`baresip refuses "${command} ${params ?? ''}": ${data.trim()}`);
    return data;
  }

  /** Whether baresip is there, as far as its connection shows. */
  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(text: string): void {
    const said = message.parse(JSON.parse(text));
    if ('event' in said) {
      this.onEvent({ type: said.type, id: said.id, param: said.param });
      return;
    }
    this.waiting.get(said.token ?? '')?.resolve(said);
    this.waiting.delete(said.token ?? '');
  }
}
