import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  type ConsumerConfig,
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { codedError, isCoded, retryForever, type CodedError, type Logger } from '@reinvite/runtime';
import type { z } from 'zod';
import { decode, type SubjectOf } from './codec.js';
import { streams, type StreamKey } from './subjects.js';

/** JetStream's error code for a consumer that exists with another configuration. */
const CONSUMER_EXISTS = 10148;
/** One of them may be late without the message going to somebody else. */
const WORKING_PER_ACK_WAIT = 4;
/**
 * What a consumer asked for that was cut off is sent to it, and to nobody else, for so long. A consumer whose servers have all
 * been restarted waits as long, in vain, before it asks again: the library's 30 s would leave the call records without news.
 */
const PULL_EXPIRES_MS = 2_000;

interface Reader {
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface QueueOptions<T> {
  readonly stream: StreamKey;
  /** All who use this name share the messages; each is handled by one of them. */
  readonly durable: string;
  readonly filter?: string;
  readonly schema: z.ZodType<T>;
  readonly subjectOf?: SubjectOf<T>;
  /** Messages handled at the same time by this process. */
  readonly maxInFlight: number;
  /** A message not acknowledged for this long goes to another consumer; the handler's work is kept alive meanwhile. */
  readonly ackWaitMs: number;
  /**
   * Asked again and again while the handler works, and never rejects: where it says false the message is no longer kept from
   * others, who may be able to do what this one cannot. The handler has to bear being run twice then. Default: it is kept for
   * as long as it takes.
   */
  readonly mayKeep?: () => Promise<boolean>;
  /** Acknowledged when it resolves; when it rejects, the message comes again, save for a terminal coded error. */
  readonly handler: (message: T, delivery: Delivery) => Promise<void>;
}

export interface Delivery {
  /** 1 for the first delivery; more when the message came again, perhaps after its first consumer died. */
  readonly attempt: number;
}

/** Consumes a stream as a work queue until the signal aborts, over every loss of the connection. */
export async function consumeQueue<T>(
  connection: NatsConnection,
  reader: Reader,
  options: QueueOptions<T>,
): Promise<void> {
  const stream = streams[options.stream];
  // What is being handled when the reading is interrupted goes on beside what is read next.
  const inFlight = new Map<number, Promise<void>>();
  await keepReading(reader, `consuming ${stream.name}`, async () => {
    const manager = await jetstreamManager(connection);
    await ensureConsumer(manager, stream.name, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: options.ackWaitMs * 1e6,
      max_ack_pending: -1,
      ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
    });
    const consumer = await jetstream(connection).consumers.get(stream.name, options.durable);
    const messages = await consumer.consume({ max_messages: options.maxInFlight, expires: PULL_EXPIRES_MS });
    const unwatch = stopOnAbort(messages, reader.signal);
    try {
      for await (const message of messages) {
        const { seq } = message;
        // It has come again while it is being handled here: the acknowledgement of either delivery will do.
        if (inFlight.has(seq)) continue;
        const work = handleOne(message, reader, options).finally(() => inFlight.delete(seq));
        inFlight.set(seq, work);
        if (inFlight.size >= options.maxInFlight) await Promise.race(inFlight.values());
      }
    } finally {
      unwatch();
    }
  });
  await Promise.all(inFlight.values());
}

/** A consumer that another release has made is changed to what this one wants. */
async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig> & { readonly durable_name: string },
): Promise<void> {
  try {
    await manager.consumers.add(stream, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_EXISTS) throw error;
    await manager.consumers.update(stream, config.durable_name, config);
  }
}

async function handleOne<T>(message: JsMsg, reader: Reader, options: QueueOptions<T>): Promise<void> {
  const { mayKeep = async () => true, ackWaitMs } = options;
  const keep = async (): Promise<void> => {
    if (await mayKeep()) message.working();
  };
  const alive = setInterval(() => void keep(), ackWaitMs / WORKING_PER_ACK_WAIT);
  try {
    await options.handler(decode(options.schema, message.subject, message.string(), options.subjectOf), {
      attempt: message.info.deliveryCount,
    });
    message.ack();
  } catch (err) {
    reader.log.error({ err, subject: message.subject, seq: message.seq }, 'message not handled');
    if (isCoded(err) && err.class === 'terminal') message.term(err.code);
    else message.nak(500);
  } finally {
    clearInterval(alive);
  }
}

export interface TailOptions<T> {
  readonly stream: StreamKey;
  readonly filter?: string;
  readonly schema: z.ZodType<T>;
  readonly subjectOf?: SubjectOf<T>;
  /** Sequence after which to begin; asked again after every interruption, so it must be the reader's own checkpoint. */
  readonly after: () => Promise<number>;
  readonly maxBatch: number;
  /** Awaited before a batch is taken, so that more can come together; by default a batch is what is there. */
  readonly linger?: () => Promise<void>;
  /** Gets the messages in order, each once per run, and the sequence up to which it then has read. An invalid message is left out. */
  readonly handler: (batch: readonly { seq: number; message: T }[], upTo: number) => Promise<void>;
}

/** Reads a stream in order until the signal aborts. What comes while a batch is handled makes the next one. */
export async function tailStream<T>(
  connection: NatsConnection,
  reader: Reader,
  options: TailOptions<T>,
): Promise<void> {
  const stream = streams[options.stream];
  await keepReading(reader, `reading ${stream.name}`, async () => {
    const after = await options.after();
    const consumer = await jetstream(connection).consumers.get(stream.name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      ...(options.filter === undefined ? {} : { filter_subjects: options.filter }),
    });
    const messages = await consumer.consume({
      max_messages: options.maxBatch * 2,
      expires: PULL_EXPIRES_MS,
    });
    const unwatch = stopOnAbort(messages, reader.signal);
    try {
      await inBatches(messages, options.maxBatch, options.linger, (raws) => {
        const batch = raws.flatMap((raw) => {
          const message = decodeOrDrop(raw, reader, options);
          return message === undefined ? [] : [{ seq: raw.seq, message }];
        });
        return handled(stream.name, options.handler(batch, raws.at(-1)?.seq ?? after));
      });
    } finally {
      unwatch();
      messages.stop();
    }
  });
}

/** What a handler throws without a code is a fault of its own, not of NATS. */
async function handled(stream: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw isCoded(cause) ? cause : notHandled(`reading ${stream}`, cause);
  }
}

/** Hands on what has come while the batch before was handled. Rejects with what ends the messages or the handling. */
async function inBatches(
  messages: ConsumerMessages,
  maxBatch: number,
  linger: (() => Promise<void>) | undefined,
  handle: (batch: readonly JsMsg[]) => Promise<void>,
): Promise<void> {
  const arrived: JsMsg[] = [];
  let working: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    try {
      while (arrived.length > 0) {
        await linger?.();
        await handle(arrived.splice(0, maxBatch));
      }
    } catch (error) {
      failure = { error };
      messages.stop();
    } finally {
      // In the same turn as the last look at what has arrived: nothing can come in between and be left lying.
      working = undefined;
    }
  };
  for await (const message of messages) {
    if (failure !== undefined) break;
    arrived.push(message);
    working ??= work();
    // The server goes on sending only as fast as the messages are taken.
    if (arrived.length >= maxBatch) await working;
  }
  await working;
  if (failure !== undefined) throw failure.error;
}

/** Also for a signal that aborted while the consumer was being set up, which no listener would hear of any more. */
function stopOnAbort(messages: ConsumerMessages, signal: AbortSignal): () => void {
  const stop = (): void => messages.stop();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

function decodeOrDrop<T>(
  raw: JsMsg,
  reader: Reader,
  { schema, subjectOf }: Pick<TailOptions<T>, 'schema' | 'subjectOf'>,
): T | undefined {
  try {
    return decode(schema, raw.subject, raw.string(), subjectOf);
  } catch (err) {
    reader.log.error({ err, subject: raw.subject, seq: raw.seq }, 'message dropped');
    return undefined;
  }
}

/** A stream is read on, whatever a handler made of it; what it failed with is kept, so that the log says whose fault it was. */
function retriedAs(what: string, cause: unknown): CodedError {
  if (!isCoded(cause)) return codedError('NATS_UNREACHABLE', `${what} was interrupted`, {}, cause);
  return cause.class === 'terminal' ? notHandled(what, cause) : cause;
}

function notHandled(what: string, cause: unknown): CodedError {
  const details = isCoded(cause) ? { code: cause.code } : {};
  return codedError('STREAM_NOT_HANDLED', `${what}: what was read cannot be handled`, details, cause);
}

async function keepReading(reader: Reader, what: string, read: () => Promise<void>): Promise<void> {
  while (!reader.signal.aborted) {
    try {
      await retryForever(
        async () => {
          try {
            await read();
          } catch (cause) {
            if (reader.signal.aborted) return;
            throw retriedAs(what, cause);
          }
        },
        { what, log: reader.log, signal: reader.signal },
      );
    } catch (error) {
      if (!reader.signal.aborted) throw error;
    }
  }
}
