import { setMaxListeners } from 'node:events';
import type { Logger } from '@reinvite/runtime';
import type { Owner } from './time.js';
import type { World } from './world.js';

interface Late {
  readonly work: () => void;
  readonly isTimer: boolean;
}

/**
 * A process of Reinvite on a host. A killed one does nothing any more: whatever its code still tries in this address space
 * reaches nobody, and nobody's answer reaches it.
 */
export class Process implements Owner {
  readonly log: Logger;
  private readonly stopping = new AbortController();
  private living = true;
  private streams = 0;
  private standsStill = false;
  private late: Late[] = [];
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly name: string,
    readonly host: string,
  ) {
    this.log = world.logger(name);
    setMaxListeners(0, this.stopping.signal);
    world.time.owner = this;
  }

  /** Monotonic ms of its host's clock, which gains or loses a little. */
  readonly mono = (): number => performance.now() * this.world.clockRateOf(this.host);

  get paused(): boolean {
    return this.standsStill;
  }

  /** Does its work, also while it stands still: then once it goes on. */
  run(work: () => void, isTimer = false): void {
    if (this.standsStill) {
      this.late.push({ work, isTimer });
      return;
    }
    this.world.time.owner = this;
    work();
  }

  /** SIGSTOP, a garbage collection, a machine without a processor to spare: nothing of it goes on. */
  pause(): void {
    if (!this.living || this.standsStill) return;
    this.world.trace.note(this.name, 'stands still');
    this.standsStill = true;
  }

  /** It goes on: what has come meanwhile is there, and each of its timers is due once. Which it sees first is a matter of chance. */
  goOn(): void {
    if (!this.standsStill) return;
    this.world.trace.note(this.name, 'goes on');
    this.standsStill = false;
    const { late } = this;
    this.late = [];
    const timers = late.filter(({ isTimer }) => isTimer);
    const messages = late.filter(({ isTimer }) => !isTimer);
    const inOrder = this.world.random.pick([late, [...timers, ...messages], [...messages, ...timers]]);
    for (const { work, isTimer } of inOrder) this.world.time.later(0, () => this.run(work, isTimer));
  }

  get alive(): boolean {
    return this.living;
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** A name for a connection of its own. */
  newStream(): string {
    this.streams += 1;
    return `connection ${this.streams}`;
  }

  onKilled(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** SIGKILL. */
  kill(): void {
    if (!this.living) return;
    this.living = false;
    this.standsStill = false;
    this.late = [];
    this.world.trace.note(this.name, 'killed');
    for (const listener of this.listeners) listener();
    // Only so that its timers end: by now nothing of it can be seen from outside.
    this.stopping.abort(new Error('killed'));
  }

  /** Calls back only while it lives. */
  whileAlive<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (!this.living) return;
      this.run(() => {
        if (this.living) callback(...args);
      });
    };
  }
}

export interface Call<T> {
  readonly to: string;
  /** What is sent in one stream arrives, and is answered, in order. */
  readonly stream: string;
  /** Runs at the server when the request arrives. */
  readonly serve: () => T | Promise<T>;
  readonly timeoutMs: number;
  /** What a request that was not answered in time is rejected with. */
  readonly timeout: () => Error;
  /** How often request or answer are lost; default: as the network is. */
  readonly mayLose?: boolean;
}

const NEVER = new Promise<never>(() => undefined);

/** A request to another host and its answer. Never settles for a process that is dead. */
export function call<T>(process: Process, { to, stream, serve, ...options }: Call<T>): Promise<T> {
  const { network } = process.world;
  if (!process.alive) return NEVER;
  return new Promise<T>((resolve, reject) => {
    const give = process.whileAlive((settle: () => void) => {
      clearTimeout(timer);
      settle();
    });
    const timer = setTimeout(() => give(() => reject(options.timeout())), options.timeoutMs);
    const mayLose = options.mayLose ?? true;
    if (mayLose && network.loses()) return;
    const answer = (settle: () => void): void => {
      if (mayLose && network.loses()) return;
      network.send(to, process.host, `${process.name} ${stream}`, () => give(settle));
    };
    network.send(process.host, to, `${process.name} ${stream}`, () => {
      Promise.resolve()
        .then(serve)
        .then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
    });
  });
}
