import { randomUUID } from 'node:crypto';
import { Bus, subjects } from '@reinvite/bus';
import {
  flowEffectReply,
  flowGetReply,
  flowPutReply,
  type FlowEffect,
  type FlowGet,
  type FlowPut,
  type FlowRefusal,
  type Json,
} from '@reinvite/domain';
import { codedError, createLogger, ERROR_TABLE, isCoded, retryForever, type Logger } from '@reinvite/runtime';
import type { z } from 'zod';

/** The account of NATS that may do what is asked here, and nothing else. */
const ACCOUNT = 'application';
/** An answer that takes longer is asked for again. */
const ANSWER_MS = 1_000;
const PAUSE_MS = { minMs: 50, maxMs: 1_000 } as const;
const DEFAULT_TIMEOUT_MS = 5_000;

export interface FlowClientOptions {
  /** URLs of NATS, with a login in them where the servers want one that is no nkey. */
  readonly servers: readonly string[];
  /** File of the nkey seed of the account `application`; `{service}` in it stands for that name. */
  readonly nkeyFile?: string;
  /** With it TLS is insisted on. PEM files: the authority of the servers, and a certificate of one's own where they want one. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Shown in the NATS server's list of connections; default `application`. */
  readonly name?: string;
  /** How long a call is tried before it is given up, ms; default 5,000. */
  readonly timeoutMs?: number;
  /** What is logged to stdout, in lines of JSON; default `warn`. */
  readonly logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** What is kept of one leg. */
export interface FlowSnapshot {
  /** 0: nothing was put yet. */
  readonly version: number;
  readonly state: Json;
  /** By key. `begun`: is being done, or nobody knows whether it was. */
  readonly effects: ReadonlyMap<
    string,
    { readonly status: 'begun' } | { readonly status: 'done'; readonly result: Json }
  >;
}

/** What became of an effect that must not be repeated. */
export type Once<T> =
  /** Done now. `stored` false: it was, but its end could not be recorded; whoever asks later is told `unknown`. */
  | { readonly status: 'done'; readonly result: T; readonly repeated: false; readonly stored: boolean }
  /** Was done before; its result of then. */
  | { readonly status: 'done'; readonly result: T; readonly repeated: true }
  /** Was begun before, and nobody has told what came of it: it is being done, or was, or was not. It was not done now. */
  | { readonly status: 'unknown' };

/**
 * Keeps the state of an ARI application's calls with Reinvite, by the SIP Call-ID of the leg: ARI's `protocol_id` of its
 * channel, which is the same before and after a recovery.
 *
 * Every method tries for `timeoutMs` and may be called at any time, by many at once. All throw CodedErrors: `FLOW_UNAVAILABLE`
 * where there was no answer in time (it is not known then whether a put was carried out; putting it again does no harm),
 * `FLOW_INVALID` for what is no JSON or too long a key, and what they say themselves.
 */
export class FlowClient {
  private constructor(
    private readonly bus: Bus,
    private readonly timeoutMs: number,
    private readonly log: Logger,
    private readonly stop: AbortController,
  ) {}

  /**
   * Connects; the connection comes back by itself from then on.
   * @throws CodedError `FLOW_UNAVAILABLE` when NATS did not answer within `timeoutMs`; `CONFIG_UNREADABLE`, `CONFIG_INVALID` for an
   * nkey file that is none.
   */
  static async connect(options: FlowClientOptions): Promise<FlowClient> {
    const { servers, nkeyFile, tls, name = ACCOUNT, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const log = createLogger(name, options.logLevel ?? 'warn');
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const access = { servers, nkeyFile, tls, account: ACCOUNT };
      const bus = await Bus.connect({ ...access, name, log, signal: late, streams: false });
      return new FlowClient(bus, timeoutMs, log, new AbortController());
    } catch (cause) {
      throw late.aborted ? unavailable('connect', timeoutMs, cause) : cause;
    }
  }

  /**
   * Stores the state of a leg, in place of the one before.
   * @param options.expectedVersion stores it only where that version is there still; 0: where none is. Without it the last one
   * who puts wins.
   * @returns the version that it has now: one more than before.
   * @throws CodedError `FLOW_VERSION_CONFLICT` with the version that is there as `details.version`; `FLOW_TOO_LARGE`.
   */
  async put(
    sipCallId: string,
    state: Json,
    { expectedVersion }: { readonly expectedVersion?: number } = {},
  ): Promise<number> {
    const expected = expectedVersion === undefined ? {} : { expectedVersion };
    const request: FlowPut = { sipCallId, state, putId: randomUUID(), ...expected };
    return (await this.ask('put', subjects.flowPut, request, flowPutReply)).version;
  }

  /** What is kept of a leg. */
  async get(sipCallId: string): Promise<FlowSnapshot> {
    const request: FlowGet = { sipCallId };
    const { version, state, effects } = await this.ask('get', subjects.flowGet, request, flowGetReply);
    return { version, state, effects: new Map(effects.map(({ key, ...effect }) => [key, effect])) };
  }

  /**
   * Does something at most once in the life of a leg, whoever asks and however often the call has come back: `key` is on
   * record before `work` begins, and its result once it is done.
   * @returns what became of it: done now, done before, or unknown. See {@link Once}.
   * @throws what `work` throws; the effect counts as begun then, and whoever asks again is told `unknown`. CodedError
   * `FLOW_TOO_MANY_EFFECTS`; `FLOW_UNAVAILABLE` where `work` was not begun.
   */
  async once<T extends Json>(sipCallId: string, key: string, work: () => Promise<T> | T): Promise<Once<T>> {
    const effect = { sipCallId, key, claim: randomUUID() };
    const begun = await this.effect({ type: 'BeginEffect', ...effect });
    if (begun.status === 'done') return { status: 'done', result: begun.result as T, repeated: true };
    if (begun.status === 'unknown') return { status: 'unknown' };
    const result = await work();
    return { status: 'done', result, repeated: false, stored: await this.ended(effect, result) };
  }

  /** Ends the connection. What is under way is given up. */
  async close(): Promise<void> {
    this.stop.abort(new Error('the client was closed'));
    await this.bus.close();
  }

  private effect(request: FlowEffect) {
    return this.ask('once', subjects.flowEffect, request, flowEffectReply);
  }

  /** Never rejects: the work is done, whatever can be said of it. */
  private async ended(
    effect: Pick<FlowEffect, 'sipCallId' | 'key' | 'claim'>,
    result: Json,
  ): Promise<boolean> {
    try {
      await this.effect({ type: 'EndEffect', ...effect, result });
      return true;
    } catch (err) {
      this.log.error({ err, key: effect.key }, 'an effect was done, and its end could not be recorded');
      return false;
    }
  }

  /** Asks until it is answered, or the time is over. */
  private async ask<T extends { readonly status: string }>(
    what: string,
    subject: string,
    request: unknown,
    schema: z.ZodType<T>,
  ): Promise<Exclude<T, FlowRefusal>> {
    const late = AbortSignal.timeout(this.timeoutMs);
    const signal = AbortSignal.any([late, this.stop.signal]);
    const task = async (): Promise<Exclude<T, FlowRefusal>> => {
      const reply = await this.bus.request(subject, request, schema, ANSWER_MS);
      if (isRefusal(reply)) throw refusal(reply);
      return reply as Exclude<T, FlowRefusal>;
    };
    try {
      return await retryForever(task, { what: `flow ${what}`, log: this.log, signal, ...PAUSE_MS });
    } catch (cause) {
      throw signal.aborted ? unavailable(what, this.timeoutMs, cause) : cause;
    }
  }
}

function isRefusal(reply: { readonly status: string }): reply is FlowRefusal {
  return reply.status === 'refused';
}

/** Of another release it may have a code that this one does not know. */
function refusal({ code, message, version }: FlowRefusal): Error {
  const text = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  const known = Object.hasOwn(ERROR_TABLE, code) ? (code as keyof typeof ERROR_TABLE) : 'FLOW_INVALID';
  return codedError(known, text, version === undefined ? {} : { version });
}

function unavailable(what: string, timeoutMs: number, cause: unknown): Error {
  if (isCoded(cause, 'FLOW_UNAVAILABLE')) return cause;
  return codedError('FLOW_UNAVAILABLE', `${what}: no answer within ${timeoutMs} ms`, {}, cause);
}
