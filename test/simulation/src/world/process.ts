import { setMaxListeners } from 'node:events';
import type { Logger } from '@reinvite/runtime';
import type { World } from './world.js';

/**
 * A process of Reinvite on a host. A killed one does nothing any more: whatever its code still tries in this address space
 * reaches nobody, and nobody's answer reaches it.
 */
export class Process {
  readonly log: Logger;
  private readonly stopping = new AbortController();
  private living = true;
  private streams = 0;
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly name: string,
    readonly host: string,
  ) {
    this.log = world.logger(name);
    setMaxListeners(0, this.stopping.signal);
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
    this.world.trace.note(this.name, 'killed');
    for (const listener of this.listeners) listener();
    // Only so that its timers end: by now nothing of it can be seen from outside.
    this.stopping.abort(new Error('killed'));
  }

  /** Calls back only while it lives. */
  whileAlive<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.living) callback(...args);
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
