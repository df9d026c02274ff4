import { streams, type StreamKey } from '@reinvite/bus';
import type { Process } from '../world/process.js';
import type { World } from '../world/world.js';

export const NATS = 'nats';
/** As `ensureStreams` sets it. */
const DUPLICATE_WINDOW_MS = 120_000;

export interface StreamMessage {
  readonly seq: number;
  readonly subject: string;
  readonly id: string;
  readonly json: string;
  readonly storedAt: number;
}

/** One process that takes messages of a durable consumer. */
export interface Taker {
  readonly process: Process;
  /** The server believes in it until then, virtual epoch ms. */
  until: number;
  /** How many messages it can be given still. */
  readonly room: () => number;
  readonly take: (message: StreamMessage, delivery: number) => void;
}

interface Pending {
  delivery: number;
  dueAt: number;
}

interface Durable {
  readonly ackWaitMs: number;
  /** Sequence of the next message that nobody was given. */
  next: number;
  readonly pending: Map<number, Pending>;
  readonly takers: Taker[];
}

interface Stream {
  readonly key: StreamKey;
  readonly messages: (StreamMessage | undefined)[];
  readonly ids: Map<string, StreamMessage>;
  readonly durables: Map<string, Durable>;
  readonly waiting: Set<() => void>;
}

export interface Subscriber {
  readonly process: Process;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly hear: (subject: string, json: string, reply: ((json: string) => void) | undefined) => void;
}

/**
 * A NATS server with JetStream: core messages at most once; streams that store a message id once; durable consumers that give
 * each message to one of their takers, and to another when it was not acknowledged in time.
 */
export class Nats {
  isDown = false;
  readonly subscribers = new Set<Subscriber>();
  private readonly streams = new Map<StreamKey, Stream>();
  /** Ids of messages that were given to a second taker, or to one for a second time. */
  readonly redelivered = new Set<string>();
  /** Hosts that a partition of the cluster has left with a server of their own: core messages pass among them, no stream is there. */
  private minority: ReadonlySet<string> = new Set();

  constructor(private readonly world: World) {
    for (const key of Object.keys(streams) as StreamKey[])
      this.streams.set(key, { key, messages: [], ids: new Map(), durables: new Map(), waiting: new Set() });
  }

  /** The server's process ends; what is stored stays. */
  stop(): void {
    this.world.trace.note(NATS, 'stopped');
    this.isDown = true;
    for (const { durables } of this.streams.values())
      for (const durable of durables.values()) durable.takers.length = 0;
  }

  start(): void {
    this.world.trace.note(NATS, 'started');
    this.isDown = false;
  }

  /** The cluster falls in two; none where nobody is left to the smaller part. */
  split(minority: readonly string[]): void {
    this.world.trace.note(NATS, minority.length === 0 ? 'is whole' : `split off: ${minority.join(' ')}`);
    this.minority = new Set(minority);
  }

  /** Whether a host reaches the streams. */
  hasStreams(host: string): boolean {
    return !this.isDown && !this.minority.has(host);
  }

  /** Whether core messages pass between two hosts. */
  joins(one: string, other: string): boolean {
    return this.minority.has(one) === this.minority.has(other);
  }

  /** Core NATS: to everybody who listens, one of each queue. @returns how many. */
  publish(
    from: string,
    subject: string,
    json: string,
    reply?: (who: Subscriber, json: string) => void,
  ): number {
    if (this.isDown) return 0;
    const listening = [...this.subscribers].filter(
      ({ process, subject: pattern }) =>
        process.alive &&
        this.joins(from, process.host) &&
        this.world.network.isOpen(NATS, process.host) &&
        fits(pattern, subject),
    );
    const queues = new Map<string, Subscriber[]>();
    const all = listening.filter((one) => one.queue === undefined);
    for (const one of listening)
      if (one.queue !== undefined) queues.set(one.queue, [...(queues.get(one.queue) ?? []), one]);
    for (const members of queues.values()) all.push(this.world.random.pick(members));
    for (const one of all) {
      if (this.world.network.loses()) continue;
      this.world.network.send(NATS, one.process.host, `${one.process.name} core`, () => {
        if (!one.process.alive) return;
        const answer = reply === undefined ? undefined : (said: string) => reply(one, said);
        one.process.run(() => one.hear(subject, json, answer));
      });
    }
    return all.length;
  }

  /** Stores a message under its id, once. */
  store(subject: string, json: string, id: string): { seq: number; duplicate: boolean } {
    const stream = this.streamOf(subject);
    const known = stream.ids.get(id);
    if (known !== undefined && Date.now() - known.storedAt <= DUPLICATE_WINDOW_MS)
      return { seq: known.seq, duplicate: true };
    const message = { seq: stream.messages.length + 1, subject, id, json, storedAt: Date.now() };
    stream.messages.push(message);
    stream.ids.set(id, message);
    this.world.trace.note(NATS, `stored ${subject} ${id}`);
    for (const durable of stream.durables.values()) this.hand(stream, durable);
    for (const arrived of [...stream.waiting]) arrived();
    return { seq: message.seq, duplicate: false };
  }

  /** Resolves when the stream has more than `after` messages, or after `ms`. */
  arrival(key: StreamKey, after: number, ms: number): Promise<void> {
    const { messages, waiting } = this.stream(key);
    if (messages.some((message, index) => index >= after && message !== undefined)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
    });
  }

  lastSeq(key: StreamKey): number {
    return this.stream(key).messages.length;
  }

  /** Every message that was ever stored in a stream, also those that were taken from a work queue. */
  stored(key: StreamKey): readonly StreamMessage[] {
    return [...this.stream(key).ids.values()];
  }

  /** The messages after one; those that are gone are passed over. */
  read(key: StreamKey, after: number, limit: number): StreamMessage[] {
    const found: StreamMessage[] = [];
    const { messages } = this.stream(key);
    for (let at = after; at < messages.length && found.length < limit; at += 1) {
      const message = messages[at];
      if (message !== undefined) found.push(message);
    }
    return found;
  }

  /** Removes what is older than its stream keeps. @param maxAgeMs of a stream. */
  expire(maxAgeMs: (key: StreamKey) => number): void {
    for (const { key, messages } of this.streams.values())
      messages.forEach((message, index) => {
        if (message !== undefined && Date.now() - message.storedAt > maxAgeMs(key))
          messages[index] = undefined;
      });
  }

  /** A taker asks for messages, and says that it is there. */
  take(key: StreamKey, name: string, ackWaitMs: number, taker: Taker, untilMs: number): void {
    const stream = this.stream(key);
    let durable = stream.durables.get(name);
    if (durable === undefined) {
      durable = { ackWaitMs, next: 1, pending: new Map(), takers: [] };
      stream.durables.set(name, durable);
      this.watch(stream, durable);
    }
    taker.until = Date.now() + untilMs;
    if (!durable.takers.includes(taker)) durable.takers.push(taker);
    this.hand(stream, durable);
  }

  /** The connection of a process is gone. */
  leave(process: Process): void {
    for (const subscriber of this.subscribers)
      if (subscriber.process === process) this.subscribers.delete(subscriber);
    for (const { durables } of this.streams.values())
      for (const { takers } of durables.values())
        takers.splice(0, takers.length, ...takers.filter((one) => one.process !== process));
  }

  ack(key: StreamKey, name: string, seq: number): void {
    const stream = this.stream(key);
    stream.durables.get(name)?.pending.delete(seq);
    if (streams[key].workQueue) stream.messages[seq - 1] = undefined;
  }

  /** The work goes on. */
  working(key: StreamKey, name: string, seq: number): void {
    const durable = this.stream(key).durables.get(name);
    const pending = durable?.pending.get(seq);
    if (durable !== undefined && pending !== undefined) pending.dueAt = Date.now() + durable.ackWaitMs;
  }

  /** To be delivered again after `delayMs`. */
  nak(key: StreamKey, name: string, seq: number, delayMs: number): void {
    const pending = this.stream(key).durables.get(name)?.pending.get(seq);
    if (pending !== undefined) pending.dueAt = Date.now() + delayMs;
  }

  private watch(stream: Stream, durable: Durable): void {
    setInterval(() => {
      if (this.isDown) return;
      for (const [seq, pending] of durable.pending) {
        if (pending.dueAt > Date.now()) continue;
        const message = stream.messages[seq - 1];
        if (message === undefined) durable.pending.delete(seq);
        else if (!this.give(durable, message, pending.delivery + 1)) break;
      }
      this.hand(stream, durable);
    }, 100);
  }

  private hand(stream: Stream, durable: Durable): void {
    for (; durable.next <= stream.messages.length; durable.next += 1) {
      const message = stream.messages[durable.next - 1];
      if (message !== undefined && !this.give(durable, message, 1)) return;
    }
  }

  private give(durable: Durable, message: StreamMessage, delivery: number): boolean {
    const open = durable.takers.filter(
      (one) => one.until >= Date.now() && this.hasStreams(one.process.host) && one.room() > 0,
    );
    if (open.length === 0) return false;
    const taker = this.world.random.pick(open);
    if (delivery > 1) this.redelivered.add(message.id);
    durable.pending.set(message.seq, { delivery, dueAt: Date.now() + durable.ackWaitMs });
    if (this.world.network.loses()) return true;
    const { process } = taker;
    this.world.network.send(NATS, process.host, `${process.name} jetstream`, () => {
      if (process.alive) process.run(() => taker.take(message, delivery));
    });
    return true;
  }

  private stream(key: StreamKey): Stream {
    const stream = this.streams.get(key);
    if (stream === undefined) throw new RangeError(`no stream ${key}`);
    return stream;
  }

  private streamOf(subject: string): Stream {
    for (const stream of this.streams.values())
      if (streams[stream.key].subjects.some((one) => fits(one, subject))) return stream;
    throw new RangeError(`no stream takes ${subject}`);
  }
}

const patterns = new Map<string, readonly string[]>();

/** Whether a subject is one that a pattern with `*` stands for. */
export function fits(pattern: string, subject: string): boolean {
  if (!pattern.includes('*')) return pattern === subject;
  let wanted = patterns.get(pattern);
  if (wanted === undefined) patterns.set(pattern, (wanted = pattern.split('.')));
  const given = subject.split('.');
  return wanted.length === given.length && wanted.every((one, index) => one === '*' || one === given[index]);
}
