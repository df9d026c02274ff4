import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { codedError } from '@reinvite/runtime';
import { behind, notListening, type Intake, type TransportListener } from './intake.js';
import { TcpConnection } from './tcp-connection.js';

export interface TcpListener extends TransportListener {
  readonly connections: number;
}

export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  readonly maxConnections: number;
  /** A packet that has begun has to be whole by then. */
  readonly packetLimitMs?: number;
}

const PACKET_LIMIT_MS = 10_000;
const SWEEP_MS = 1_000;

/**
 * Receives HEP over TCP: packets one after the other, each as long as its header says. A connection whose stream is torn
 * is closed, for where the next packet begins is not known; the sender connects again. We never write to one.
 * @throws CodedError `LISTEN_FAILED`
 */
export async function listenTcp(
  { host, port: wanted, maxConnections, packetLimitMs = PACKET_LIMIT_MS }: TcpOptions,
  intake: Intake,
): Promise<TcpListener> {
  const connections = new Set<TcpConnection>();
  let accepted = 0;
  const accept = (socket: Socket): void => {
    accepted += 1;
    if (connections.size >= maxConnections && !makeRoom(connections)) {
      socket.on('error', () => undefined).destroy();
      intake.dropped(codedError('HEP_CONNECTION_REFUSED', `${connections.size} connections are open`));
      return;
    }
    const connection = new TcpConnection(socket, intake, () => connections.delete(connection));
    connections.add(connection);
  };
  const server = createServer({ keepAlive: true, keepAliveInitialDelay: 30_000 }, accept);
  const { port } = await bind(server, host, wanted);
  server.on('error', (err) => intake.log.error({ err }, 'error of the HEP server'));
  const sweep = setInterval(() => connections.forEach((one) => one.closeIfSlow(packetLimitMs)), SWEEP_MS);
  sweep.unref();
  return {
    port,
    get connections() {
      return connections.size;
    },
    drained: (withinMs) => drained(connections, () => accepted, withinMs),
    close: async () => {
      clearInterval(sweep);
      const closed = once(server, 'close');
      server.close();
      connections.forEach((one) => one.close());
      await closed;
    },
  };
}

async function bind(server: Server, host: string, port: number): Promise<AddressInfo> {
  const listening = once(server, 'listening');
  server.listen({ host, port });
  try {
    await listening;
  } catch (cause) {
    throw notListening('TCP', host, port, cause);
  }
  return server.address() as AddressInfo;
}

/** One that never sent a packet of use goes for one that may. One that is closed is in the set until its socket says so. */
function makeRoom(connections: ReadonlySet<TcpConnection>): boolean {
  const [useless] = [...connections].filter((one) => !one.isOfUse && !one.isClosed);
  useless?.refuse('others wanted its place, and it had sent nothing of use');
  return useless !== undefined;
}

/**
 * Waits until each connection has been read empty, or had nothing for a whole turn of the event loop, which reads from each
 * that has something. Those that wait to be accepted come first. Two turns are waited for, because the first may have begun
 * after its reading.
 */
async function drained(
  connections: ReadonlySet<TcpConnection>,
  accepted: () => number,
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  const turn = async (): Promise<void> => {
    if (performance.now() >= deadline) throw behind('TCP', withinMs);
    await setImmediate();
  };
  for (let quietTurns = 0; quietTurns < 2;) {
    const before = accepted();
    await turn();
    quietTurns = accepted() === before ? quietTurns + 1 : 0;
  }
  const unread = new Map(
    [...connections].map((one) => [one, { emptied: one.emptied, reads: one.reads, quietTurns: 0 }]),
  );
  while (unread.size > 0) {
    await turn();
    for (const [one, mark] of unread) {
      mark.quietTurns = one.reads === mark.reads ? mark.quietTurns + 1 : 0;
      mark.reads = one.reads;
      if (one.isClosed || one.emptied > mark.emptied || mark.quietTurns === 2) unread.delete(one);
    }
  }
}
