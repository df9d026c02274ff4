import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { DrainMarks } from './drain-marks.js';
import { notListening, type Intake, type TransportListener } from './intake.js';
import { readKernelDrops } from './kernel-drops.js';

export interface UdpListener extends TransportListener {
  /** What the kernel gave. */
  readonly receiveBufferBytes: number;
  kernelDrops(): Promise<number | null>;
}

export interface UdpOptions {
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
}

/** Holds some 3,600 messages, 0.7 s of what a ledger is made for. */
const SMALL_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Receives HEP over UDP. Nothing is ever sent again: what does not fit into the kernel's buffer while we are busy is lost.
 * @throws CodedError `LISTEN_FAILED`
 */
export async function listenUdp(options: UdpOptions, intake: Intake): Promise<UdpListener> {
  const { host, port: wanted, receiveBufferBytes } = options;
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  const socket = createSocket({ type, recvBufferSize: receiveBufferBytes });
  await bind(socket, host, wanted);
  socket.on('error', (err) => intake.log.error({ err }, 'error of the HEP socket'));
  const { port } = socket.address();
  const marks = new DrainMarks(type, host, port);
  socket.on('message', (packet, { address }) => {
    if (!marks.isMark(packet)) intake.packet(packet, address, 'udp');
  });
  return {
    port,
    receiveBufferBytes: grantedBuffer(socket, intake),
    drained: (withinMs) => marks.passed(withinMs),
    kernelDrops: () => readKernelDrops(type, port),
    close: async () => {
      marks.close();
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

async function bind(socket: Socket, host: string, port: number): Promise<void> {
  const listening = once(socket, 'listening');
  socket.bind(port, host);
  try {
    await listening;
  } catch (cause) {
    socket.close();
    throw notListening('UDP', host, port, cause);
  }
}

function grantedBuffer(socket: Socket, { log }: Intake): number {
  // Linux reports twice what it was asked for: its own bookkeeping is in it.
  const bytes = socket.getRecvBufferSize() / 2;
  if (bytes < SMALL_BUFFER_BYTES)
    log.warn({ bytes, wanted: SMALL_BUFFER_BYTES }, 'the receive buffer is small; raise net.core.rmem_max');
  return bytes;
}
