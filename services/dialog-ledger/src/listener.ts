import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { codedError, type Logger } from '@reinvite/runtime';

export interface Listener {
  /** The port in use; another than configured where that was 0. */
  readonly port: number;
  /** Resolves once everything has been handed over that stood in the socket's buffer when it was called. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

/**
 * HEP is never sent again: what does not fit while we are busy is lost. 4 MiB hold more than a thousand messages. The kernel
 * gives no more than `net.core.rmem_max`.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** On a socket that never falls silent, what had arrived at the beginning has been read by then. */
const DRAIN_LIMIT_MS = 100;

/**
 * Receives HEP over UDP.
 * @throws CodedError `LISTEN_FAILED`
 */
export async function listen(
  host: string,
  port: number,
  onPacket: (packet: Buffer) => void,
  log: Logger,
): Promise<Listener> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  let received = 0;
  socket.on('message', (packet) => {
    received += 1;
    onPacket(packet);
  });
  await bind(socket, host, port);
  socket.on('error', (err) => log.error({ err }, 'error of the HEP socket'));
  warnOfSmallBuffer(socket, log);
  return {
    port: socket.address().port,
    drained: () => drained(() => received),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function bind(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => {
      socket.close();
      reject(
        codedError('LISTEN_FAILED', `cannot listen for HEP on UDP ${host}:${port}`, { host, port }, cause),
      );
    };
    socket.once('error', failed);
    socket.bind(port, host, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

/**
 * Each turn of the event loop reads up to 32 packets. The socket is empty after a whole turn that read none; the first
 * may have begun after its reading, so two are waited for.
 */
async function drained(received: () => number): Promise<void> {
  const deadline = performance.now() + DRAIN_LIMIT_MS;
  for (let quietTurns = 0; quietTurns < 2 && performance.now() < deadline;) {
    const before = received();
    await setImmediate();
    quietTurns = received() === before ? quietTurns + 1 : 0;
  }
}

function warnOfSmallBuffer(socket: Socket, log: Logger): void {
  // Linux reports twice what it was asked for: its own bookkeeping is in it.
  const bytes = socket.getRecvBufferSize() / 2;
  if (bytes < RECEIVE_BUFFER_BYTES) {
    log.warn({ bytes, wanted: RECEIVE_BUFFER_BYTES }, 'the receive buffer is small; raise net.core.rmem_max');
  }
}
