import { codedError, type Logger } from '@reinvite/runtime';

/** Where a listener brings what comes in. Neither function throws. */
export interface Intake {
  /** @returns whether it was of use: authorised, and a message of a node. */
  packet(packet: Buffer, sender: string, transport: 'udp' | 'tcp'): boolean;
  /** What was dropped before it was a packet: a torn stream, a connection too many. */
  dropped(error: unknown): void;
  readonly log: Logger;
}

export interface TransportListener {
  /** The port in use; another than configured where that was 0. */
  readonly port: number;
  /** See `Listener`. */
  drained(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What a listener says that has not come to its mark in time. */
export function behind(transport: string, withinMs: number): Error {
  return codedError('LEDGER_BEHIND', `what had arrived over ${transport} is not read after ${withinMs} ms`);
}

/** @returns the error of a socket that cannot be bound. */
export function notListening(transport: string, host: string, port: number, cause: unknown): Error {
  const where = `${transport} ${host} port ${port}`;
  return codedError('LISTEN_FAILED', `cannot listen for HEP on ${where}`, { host, port }, cause);
}
