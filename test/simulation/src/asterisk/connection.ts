import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { AriConnection, AsteriskInfo, Originate } from '@reinvite/ari';
import { codedError } from '@reinvite/runtime';
import { call, type Process } from '../world/process.js';
import { asChannel } from './channel.js';
import type { Life } from './life.js';
import type { Node } from './node.js';

const REQUEST_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 1_000;
const RETRY_MS = 100;
/** Ms until the other end sees the sockets of a dead process close. */
const CLOSED_MS = [1, 60] as const;
/** How long a connection that was cut off seems to stand. */
const UNNOTICED_MS = [200, 3_000] as const;

interface Session {
  readonly life: Life;
  readonly close: () => void;
}

/** One process's ARI connection to one node, with the promises of `AriConnection`: `up`, events in order, `down`. */
export class SimulatedAri extends EventEmitter {
  info: AsteriskInfo | undefined;
  private session: Session | undefined;

  constructor(
    private readonly process: Process,
    private readonly node: Node,
  ) {
    super();
    this.setMaxListeners(0);
    void this.run();
  }

  get connection(): AriConnection {
    return this as unknown as AriConnection;
  }

  readonly channels = {
    originate: (request: Originate) => this.ask((life) => life.originate(request)),
    find: (channelId: string) =>
      this.ask((life) => {
        const channel = life.channels.get(channelId);
        return channel === undefined ? undefined : asChannel(channel);
      }),
    list: () => this.ask((life) => [...life.channels.values()].map((one) => asChannel(one))),
    hangup: (channelId: string) => this.ask((life) => life.hangup(channelId)),
    getVariable: async () => '',
  };

  readonly bridges = {
    list: () => this.ask(({ bridges }) => bridges.list()),
    create: (id: string, type: string, name: string, timeoutMs?: number) =>
      this.ask(({ bridges }) => bridges.create(id, type, name), timeoutMs),
    get: (id: string) => this.ask(({ bridges }) => bridges.get(id)),
    destroy: (id: string) => this.ask(({ bridges }) => bridges.destroy(id)),
    addChannels: (id: string, channelIds: readonly string[], timeoutMs?: number) =>
      this.ask((life) => channelIds.forEach((channelId) => life.addToBridge(id, channelId)), timeoutMs),
  };

  readonly asterisk = {
    refuseEvents: async (): Promise<void> => undefined,
    ping: (timeoutMs: number) => this.ask(() => undefined, timeoutMs),
    moduleLoaded: async (): Promise<boolean> => true,
  };

  /** Connects and connects again, for as long as the process lives. */
  private async run(): Promise<void> {
    const { process } = this;
    while (!process.signal.aborted) {
      const life = await this.open().catch(() => undefined);
      if (life !== undefined) await this.live(life);
      await delay(RETRY_MS, undefined, { signal: process.signal }).catch(() => undefined);
    }
  }

  private open(): Promise<Life> {
    return call(this.process, {
      to: this.node.id,
      stream: 'ari connect',
      serve: () => {
        const { life } = this.node;
        return new Promise<Life>((resolve) => life?.whenAwake(() => resolve(life)));
      },
      timeoutMs: CONNECT_TIMEOUT_MS,
      timeout: () => codedError('ARI_UNREACHABLE', 'no answer', { maybeSent: false, status: 0 }),
      mayLose: false,
    });
  }

  /** From `up` to `down`. */
  private live(life: Life): Promise<void> {
    const { process, node } = this;
    const { network, random, time, trace } = process.world;
    return new Promise((resolve) => {
      let isWhole = true;
      const unlisten = life.listen((event) => {
        if (!isWhole || !network.isOpen(node.id, process.host)) return;
        network.send(
          node.id,
          process.host,
          `${process.name} ari`,
          process.whileAlive(() => {
            if (this.session?.life === life) this.emit('event', event);
          }),
        );
      });
      const close = (): void => {
        if (this.session?.life !== life) return;
        unlisten();
        unwatch();
        undie();
        this.session = undefined;
        this.info = undefined;
        if (process.alive) {
          trace.note(process.name, `ARI of ${node.id} is down`);
          this.emit('down', { reason: 'closed' });
        }
        resolve();
      };
      const later = process.whileAlive(close);
      // What was lost on the way never comes: the connection is of no more use, though nobody knows it yet.
      const unwatch = network.onCut((a, b) => {
        const isOurs = (a === node.id && b === process.host) || (b === node.id && a === process.host);
        if (!isOurs || !isWhole) return;
        isWhole = false;
        time.later(random.int(...UNNOTICED_MS), later);
      });
      const undie = life.whenDead(() => {
        const isSeen = network.isOpen(node.id, process.host);
        const [least, most] = isSeen ? CLOSED_MS : UNNOTICED_MS;
        time.later(random.int(least, most), later);
      });
      process.onKilled(close);
      this.session = { life, close };
      const startedAt = Number(life.incarnation);
      this.info = { entityId: '', version: '22.10.1', startedAt, incarnation: life.incarnation };
      trace.note(process.name, `ARI of ${node.id} is up`);
      this.emit('up', this.info);
      if (!life.isAlive()) close();
    });
  }

  private ask<T>(serve: (life: Life) => T, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T> {
    const { session, process, node } = this;
    if (session === undefined)
      return Promise.reject(codedError('ARI_UNREACHABLE', 'not connected', { maybeSent: false, status: 0 }));
    return call(process, {
      to: node.id,
      stream: process.newStream(),
      serve: () => {
        // Whoever is there now answers, as a new life would on the same port.
        const { life } = node;
        if (life === undefined || !life.isAlive()) return new Promise<T>(() => undefined);
        if (life !== session.life)
          throw codedError('ARI_UNREACHABLE', 'another life', { maybeSent: true, status: 0 });
        return new Promise((resolve, reject) => {
          life.whenAwake(() => {
            try {
              resolve(serve(life));
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          });
        });
      },
      timeoutMs,
      timeout: () => codedError('ARI_UNREACHABLE', 'no answer', { maybeSent: true, status: 0 }),
    });
  }
}
