import {
  publishAcknowledged,
  type Bus,
  type Delivery,
  type QueueOptions,
  type StreamKey,
  type TailOptions,
} from '@reinvite/bus';
import { codedError, isCoded } from '@reinvite/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { call, type Process } from '../world/process.js';
import { NATS, type Nats, type StreamMessage, type Subscriber, type Taker } from './server.js';

/** As long as the real one waits for what it sends once. */
const PUBLISH_TIMEOUT_MS = 2_500;
/** A taker that is not heard of again counts as gone after this. */
const INTEREST_MS = 5_000;
const RENEW_MS = 2_000;
/** How long a reader waits at the server for what comes next. */
const WAIT_MS = 2_000;

type Stored = Awaited<ReturnType<Bus['publishDurable']>>;
type Public = Pick<
  Bus,
  | 'publish'
  | 'publishDurable'
  | 'publishInOrder'
  | 'subscribe'
  | 'respond'
  | 'request'
  | 'requestMany'
  | 'consume'
  | 'tail'
  | 'streamState'
>;

/** One process's connection to the simulated NATS, with the promises of `Bus`. */
export class SimulatedBus implements Public {
  constructor(
    private readonly process: Process,
    private readonly nats: Nats,
  ) {
    process.onKilled(() => nats.leave(process));
  }

  publish(subject: string, message: unknown): void {
    const { process, nats } = this;
    if (!process.alive || process.world.network.loses()) return;
    const json = JSON.stringify(message);
    process.world.network.send(process.host, NATS, `${process.name} nats`, () =>
      nats.publish(process.host, subject, json),
    );
  }

  publishDurable(subject: string, message: unknown, id: string): Promise<Stored> {
    const publish = async (_: string, __: unknown, { timeout }: { timeout?: number } = {}) => ({
      stream: 'simulated',
      ...(await this.store(subject, message, id, timeout)),
    });
    return publishAcknowledged({ publish }, subject, '', id);
  }

  publishInOrder(subject: string, message: unknown, id: string): Promise<Stored> {
    return this.store(subject, message, id);
  }

  private store(
    subject: string,
    message: unknown,
    id: string,
    timeoutMs = PUBLISH_TIMEOUT_MS,
  ): Promise<Stored> {
    const json = JSON.stringify(message);
    return this.ask(
      () => this.nats.store(subject, json, id),
      timeoutMs,
      () => codedError('NATS_PUBLISH_FAILED', `no acknowledgement for ${subject}`, { subject, id }),
    );
  }

  subscribe<T>(
    subject: string,
    schema: z.ZodType<T>,
    handler: (message: T) => void | Promise<void>,
    subjectOf?: QueueOptions<T>['subjectOf'],
  ): () => void {
    return this.listen({
      process: this.process,
      subject,
      queue: undefined,
      hear: (from, json) => {
        void (async () => {
          try {
            await handler(decode(schema, from, json, subjectOf));
          } catch (err) {
            this.process.log.error({ err, subject: from }, 'message not handled');
          }
        })();
      },
    });
  }

  respond<T>(
    subject: string,
    schema: z.ZodType<T>,
    handler: (message: T) => Promise<unknown>,
    refuse: (error: unknown) => unknown,
    { queue }: { readonly queue?: string } = {},
  ): () => void {
    return this.listen({
      process: this.process,
      subject,
      queue,
      hear: (from, json, reply) => {
        void (async () => {
          let answer: unknown;
          try {
            answer = await handler(decode(schema, from, json));
          } catch (error) {
            answer = refuse(error);
          }
          if (this.process.alive) reply?.(JSON.stringify(answer));
        })();
      },
    });
  }

  async request<T>(subject: string, message: unknown, schema: z.ZodType<T>, timeoutMs: number): Promise<T> {
    const [answer] = await this.gather(subject, message, schema, 1, timeoutMs);
    if (answer === undefined)
      throw codedError('REQUEST_TIMEOUT', `no answer on ${subject} within ${timeoutMs} ms`, { subject });
    return answer;
  }

  requestMany<T>(
    subject: string,
    message: unknown,
    schema: z.ZodType<T>,
    max: number,
    timeoutMs: number,
  ): Promise<T[]> {
    return max === 0 ? Promise.resolve([]) : this.gather(subject, message, schema, max, timeoutMs);
  }

  async consume<T>(options: QueueOptions<T>): Promise<void> {
    const { process, nats } = this;
    const { stream, durable, ackWaitMs, maxInFlight } = options;
    let inFlight = 0;
    const taker: Taker = {
      process,
      until: 0,
      room: () => maxInFlight - inFlight,
      take: (message, delivery) => {
        inFlight += 1;
        void this.handleOne(options, message, { attempt: delivery }).finally(() => (inFlight -= 1));
      },
    };
    while (!process.signal.aborted) {
      await this.ask(
        () => nats.take(stream, durable, ackWaitMs, taker, INTEREST_MS),
        1_000,
        () => codedError('NATS_UNREACHABLE', 'NATS does not answer'),
      ).catch(() => undefined);
      await delay(RENEW_MS, undefined, { signal: process.signal }).catch(() => undefined);
    }
  }

  async tail<T>(options: TailOptions<T>): Promise<void> {
    const { process, nats } = this;
    const { stream, schema, subjectOf, after, maxBatch, linger, handler } = options;
    let position: number | undefined;
    while (!process.signal.aborted) {
      try {
        position ??= await after();
        const from = position;
        const messages = await this.ask(
          async () => {
            await nats.arrival(stream, from, WAIT_MS);
            return nats.read(stream, from, maxBatch);
          },
          WAIT_MS + 1_000,
          () => codedError('NATS_UNREACHABLE', `reading ${stream} was interrupted`),
        );
        const last = messages.at(-1);
        if (last !== undefined) {
          await linger?.();
          const batch = messages.map(({ seq, subject, json }) => ({
            seq,
            message: decode(schema, subject, json, subjectOf),
          }));
          await handler(batch, last.seq);
          position = last.seq;
        }
      } catch (err) {
        if (!process.signal.aborted) process.log.warn({ err }, `reading ${stream} failed, trying again`);
        position = undefined;
        await delay(100, undefined, { signal: process.signal }).catch(() => undefined);
      }
    }
  }

  streamState(stream: StreamKey): Promise<{ lastSeq: number; createdAt: string }> {
    return this.ask(
      () => ({ lastSeq: this.nats.lastSeq(stream), createdAt: 'once' }),
      2_000,
      () => codedError('NATS_UNREACHABLE', `the state of ${stream} cannot be read`),
    );
  }

  private async handleOne<T>(
    { stream, durable, schema, subjectOf, handler, ackWaitMs, mayKeep = async () => true }: QueueOptions<T>,
    { seq, subject, json }: StreamMessage,
    delivery: Delivery,
  ): Promise<void> {
    const { nats, process } = this;
    const tell = (what: () => void): void => this.tell(what);
    const keep = async (): Promise<void> => {
      if (await mayKeep()) tell(() => nats.working(stream, durable, seq));
    };
    const alive = setInterval(() => void keep(), ackWaitMs / 2);
    process.signal.addEventListener('abort', () => clearInterval(alive), { once: true });
    try {
      await handler(decode(schema, subject, json, subjectOf), delivery);
      tell(() => nats.ack(stream, durable, seq));
    } catch (err) {
      process.log.error({ err }, `message not handled: ${subject}`);
      if (isCoded(err) && err.class === 'terminal') tell(() => nats.ack(stream, durable, seq));
      else tell(() => nats.nak(stream, durable, seq, 500));
    } finally {
      clearInterval(alive);
    }
  }

  /** Without an answer. */
  private tell(what: () => void): void {
    const { process, nats } = this;
    if (!process.alive || process.world.network.loses()) return;
    process.world.network.send(process.host, NATS, `${process.name} nats`, () => {
      if (nats.hasStreams(process.host)) what();
    });
  }

  private ask<T>(serve: () => T | Promise<T>, timeoutMs: number, timeout: () => Error): Promise<T> {
    const { nats } = this;
    const refused = new Promise<never>(() => undefined);
    return call(this.process, {
      to: NATS,
      stream: 'nats',
      serve: () => (nats.hasStreams(this.process.host) ? serve() : refused),
      timeoutMs,
      timeout,
    });
  }

  private gather<T>(
    subject: string,
    message: unknown,
    schema: z.ZodType<T>,
    max: number,
    timeoutMs: number,
  ): Promise<T[]> {
    const { process, nats } = this;
    const { network } = process.world;
    const json = JSON.stringify(message);
    const answers: T[] = [];
    return new Promise((resolve) => {
      const done = process.whileAlive(() => {
        clearTimeout(timer);
        resolve(answers);
      });
      const timer = setTimeout(done, timeoutMs);
      const onReply = (who: Subscriber, answer: string): void => {
        network.send(who.process.host, NATS, `${who.process.name} nats`, () => {
          if (nats.isDown || !nats.joins(who.process.host, process.host)) return;
          network.send(NATS, process.host, `${process.name} core`, () => {
            if (answers.length >= max) return;
            answers.push(decode(schema, subject, answer));
            if (answers.length === max) done();
          });
        });
      };
      network.send(process.host, NATS, `${process.name} nats`, () => {
        const listening = nats.publish(process.host, subject, json, onReply);
        // NATS says at once that nobody listens.
        if (listening === 0 && !nats.isDown) network.send(NATS, process.host, `${process.name} core`, done);
      });
    });
  }

  private listen(subscriber: Subscriber): () => void {
    this.nats.subscribers.add(subscriber);
    return () => this.nats.subscribers.delete(subscriber);
  }
}

function decode<T>(
  schema: z.ZodType<T>,
  subject: string,
  json: string,
  subjectOf: QueueOptions<T>['subjectOf'] = () => subject,
): T {
  const result = schema.safeParse(JSON.parse(json));
  if (result.success && subjectOf(result.data) === subject) return result.data;
  throw codedError('MESSAGE_INVALID', `what came on ${subject} does not fit`, { subject });
}
