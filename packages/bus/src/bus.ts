import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { InvalidArgumentError, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { codedError, isCoded, retryForever } from '@reinvite/runtime';
import type { z } from 'zod';
import { isInbox } from './access.js';
import { decode, encode, type SubjectOf } from './codec.js';
import {
  coded,
  openConnection,
  prepare,
  warnOfOpenDoors,
  watchStatus,
  type BusOptions,
  type Link,
} from './connect.js';
import { consumeQueue, tailStream, type QueueOptions, type TailOptions } from './consume.js';
import { publishAcknowledged, publishOnce } from './publish.js';
import { ensureStreams } from './streams.js';
import { streams, type StreamKey } from './subjects.js';

export interface RespondOptions {
  /** Requests are shared among all who answer under this name. */
  readonly queue?: string;
  /** A longer request is refused unread. */
  readonly maxBytes?: number;
}

/** What JetStream says of a message that it has. */
export interface Stored {
  /** In its stream. */
  readonly seq: number;
  /** Whether it had that id already. */
  readonly duplicate: boolean;
}

/**
 * One connection to NATS. Messages that come in are validated against their schema; invalid ones are logged and dropped.
 * The connection comes back by itself for as long as the process lives.
 */
export class Bus {
  private readonly js: JetStreamClient;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: BusOptions,
    private readonly link: Link,
  ) {
    this.js = jetstream(connection);
  }

  /**
   * Connects and makes sure of the streams: with an nkey it waits for those that its account needs (`reinvite migrate` makes
   * them), without it creates what is missing. Goes on trying, saying so, until it succeeds or `signal` aborts.
   * @throws CodedError `CONFIG_UNREADABLE`, `CONFIG_INVALID` for an nkey that is none; the signal's reason.
   */
  static async connect(options: BusOptions): Promise<Bus> {
    const { log, signal } = options;
    const connection = await retryForever(() => openConnection(options), {
      what: 'connecting to NATS',
      log,
      signal,
    });
    const link: Link = { isUp: true };
    void watchStatus(connection, link, log);
    await retryForever(() => prepare(connection, options), {
      what: 'making sure of the JetStream streams',
      log,
      signal,
    });
    warnOfOpenDoors(connection, log);
    return new Bus(connection, options, link);
  }

  /**
   * Creates the streams that are missing and brings the others up to date, once, for services that may not.
   * @throws CodedError `NATS_UNREACHABLE` when NATS did not answer in `timeoutMs`; `CONFIG_UNREADABLE`, `CONFIG_INVALID`.
   */
  static async createStreams(options: Omit<BusOptions, 'signal'>, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    const { log, replicas } = options;
    try {
      const connection = await retryForever(() => openConnection({ ...options, signal }), {
        what: 'connecting to NATS',
        log,
        signal,
      });
      try {
        await retryForever(() => coded(ensureStreams(connection, replicas)), {
          what: 'creating the JetStream streams',
          log,
          signal,
        });
      } finally {
        await connection.close();
      }
    } catch (cause) {
      if (isCoded(cause)) throw cause;
      throw codedError('NATS_UNREACHABLE', `NATS did not answer within ${timeoutMs} ms`, {}, cause);
    }
  }

  /** Core NATS: at most once, no answer. While the connection is away nothing is sent: what is old by then says nothing. */
  publish(subject: string, message: unknown): void {
    if (this.link.isUp) this.connection.publish(subject, encode(message));
  }

  /**
   * JetStream: stored once under `id`, however often it is tried. Of two messages sent one after the other the second may be
   * stored first, where the first had to be tried again; see {@link Bus.publishInOrder}.
   * @returns the sequence in its stream.
   * @throws CodedError `NATS_PUBLISH_FAILED` where the server did not acknowledge in time; `MESSAGE_TOO_LARGE` where it never will.
   */
  publishDurable(subject: string, message: unknown, id: string): Promise<Stored> {
    return this.store(publishAcknowledged, subject, message, id);
  }

  /**
   * JetStream, tried once: what is stored is stored in the order in which it was sent, and what is not is for the caller to tell
   * again. It may have been stored also where this rejects.
   * @returns the sequence in its stream.
   * @throws CodedError `NATS_PUBLISH_FAILED` where the server refused it or did not acknowledge in time; `MESSAGE_TOO_LARGE`.
   */
  publishInOrder(subject: string, message: unknown, id: string): Promise<Stored> {
    return this.store(publishOnce, subject, message, id);
  }

  private async store(
    publish: typeof publishOnce,
    subject: string,
    message: unknown,
    id: string,
  ): Promise<Stored> {
    try {
      const ack = await publish(this.js, subject, encode(message), id);
      return { seq: ack.seq, duplicate: ack.duplicate };
    } catch (cause) {
      if (cause instanceof InvalidArgumentError)
        throw codedError('MESSAGE_TOO_LARGE', `longer than NATS takes on ${subject}`, { subject, id }, cause);
      throw codedError('NATS_PUBLISH_FAILED', `no acknowledgement for ${subject}`, { subject, id }, cause);
    }
  }

  /**
   * Core NATS subscription, until the bus closes. An error of the handler is logged; the next message is handled.
   * @param subjectOf see {@link SubjectOf}.
   */
  subscribe<T>(
    subject: string,
    schema: z.ZodType<T>,
    handler: (message: T) => void | Promise<void>,
    subjectOf?: SubjectOf<T>,
  ): () => void {
    const subscription = this.connection.subscribe(subject);
    void (async () => {
      for await (const raw of subscription) {
        try {
          await handler(decode(schema, raw.subject, raw.string(), subjectOf));
        } catch (err) {
          this.options.log.error({ err, subject: raw.subject }, 'message not handled');
        }
      }
    })();
    return () => subscription.unsubscribe();
  }

  /**
   * Answers requests. Requests are handled side by side. A message that does not fit the schema, and an error of the
   * handler, are answered with what `refuse` makes of the error, so that the asker always learns why. What asks for its answer
   * anywhere but at an inbox is dropped unread: the answer is sent with our rights, and would be a command or a fact there. What
   * was only published is handled, and answered nowhere.
   */
  respond<T>(
    subject: string,
    schema: z.ZodType<T>,
    handler: (message: T) => Promise<unknown>,
    refuse: (error: unknown) => unknown,
    { queue, maxBytes = Infinity }: RespondOptions = {},
  ): () => void {
    const subscription = this.connection.subscribe(subject, queue === undefined ? {} : { queue });
    const answer = async (raw: Msg): Promise<unknown> => {
      const from = raw.subject;
      try {
        const bytes = raw.data.length;
        if (bytes > maxBytes)
          throw codedError('MESSAGE_TOO_LARGE', `${bytes} bytes, and ${maxBytes} are allowed`, { bytes });
        return await handler(decode(schema, from, raw.string()));
      } catch (err) {
        this.options.log.warn({ err, subject: from }, 'request refused');
        return refuse(err);
      }
    };
    const respondTo = async (raw: Msg): Promise<void> => {
      const reply = await answer(raw);
      try {
        raw.respond(encode(reply));
      } catch (err) {
        // Longer than the server takes (`max_payload`), or the connection is closed by now.
        this.options.log.error({ err, subject: raw.subject }, 'answer not sent');
        if (!this.connection.isClosed()) raw.respond(encode(refuse(err)));
      }
    };
    void (async () => {
      for await (const raw of subscription) {
        const { subject: from, reply } = raw;
        const wantsAnswer = reply !== undefined && reply !== '';
        if (wantsAnswer && !isInbox(reply)) {
          this.options.log.warn(
            { subject: from, reply },
            'a request whose answer is for no inbox was dropped',
          );
          continue;
        }
        respondTo(raw).catch((err: unknown) =>
          this.options.log.error({ err, subject: raw.subject }, 'request not answered'),
        );
      }
    })();
    return () => subscription.unsubscribe();
  }

  /**
   * Asks, and waits for the first answer.
   * @throws CodedError `REQUEST_TIMEOUT`, also where nobody listens; `MESSAGE_INVALID` for an answer that does not fit.
   */
  async request<T>(subject: string, message: unknown, schema: z.ZodType<T>, timeoutMs: number): Promise<T> {
    try {
      const raw = await this.connection.request(subject, encode(message), { timeout: timeoutMs });
      return decode(schema, subject, raw.string());
    } catch (cause) {
      if (isCoded(cause)) throw cause;
      throw codedError(
        'REQUEST_TIMEOUT',
        `no answer on ${subject} within ${timeoutMs} ms`,
        { subject },
        cause,
      );
    }
  }

  /**
   * Asks everybody who listens; resolves with what came once `max` have answered or the time is over. An answer that does
   * not fit the schema is logged and counts for none: the others are waited for.
   */
  async requestMany<T>(
    subject: string,
    message: unknown,
    schema: z.ZodType<T>,
    max: number,
    timeoutMs: number,
  ): Promise<T[]> {
    const answers: T[] = [];
    if (max === 0) return answers;
    try {
      const replies = await this.connection.requestMany(subject, encode(message), {
        strategy: 'timer',
        maxWait: timeoutMs,
      });
      for await (const raw of replies) {
        const answer = this.answerOrNothing(schema, subject, raw.string());
        if (answer !== undefined) answers.push(answer);
        if (answers.length === max) break;
      }
    } catch (err) {
      this.options.log.warn(
        { err, subject, answers: answers.length, wanted: max },
        'fewer answers than wanted',
      );
    }
    return answers;
  }

  private answerOrNothing<T>(schema: z.ZodType<T>, subject: string, text: string): T | undefined {
    try {
      return decode(schema, subject, text);
    } catch (err) {
      this.options.log.warn({ err, subject }, 'an answer was dropped');
      return undefined;
    }
  }

  /** Shares the messages of a stream among all who consume under the same durable name; see {@link consumeQueue}. */
  consume<T>(options: QueueOptions<T>): Promise<void> {
    return consumeQueue(this.connection, this.options, options);
  }

  /** Reads a stream in order from a sequence, in batches; see {@link tailStream}. */
  tail<T>(options: TailOptions<T>): Promise<void> {
    return tailStream(this.connection, this.options, options);
  }

  /**
   * Where a stream stands. A stream that was lost and made anew counts from 1 again: `createdAt` (ISO 8601) tells it.
   * @throws CodedError `NATS_UNREACHABLE`
   */
  async streamState(stream: StreamKey): Promise<{ lastSeq: number; createdAt: string }> {
    try {
      const manager = await jetstreamManager(this.connection);
      const { state, created } = await manager.streams.info(streams[stream].name);
      return { lastSeq: state.last_seq, createdAt: String(created) };
    } catch (cause) {
      throw codedError('NATS_UNREACHABLE', `the state of ${streams[stream].name} cannot be read`, {}, cause);
    }
  }

  /** Sends what is buffered, where there is a connection, and closes. Never rejects. */
  async close(): Promise<void> {
    if (this.connection.isClosed()) return;
    await Promise.race([
      this.connection.drain().catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, 1_000).unref()),
    ]);
    await this.connection.close();
  }
}
