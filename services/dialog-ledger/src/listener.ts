import { listenTcp } from './tcp-listener.js';
import { listenUdp, type UdpListener } from './udp-listener.js';
import type { Intake, TransportListener } from './intake.js';

export interface ListenOptions {
  readonly host: string;
  /** The same for both; 0 gives each its own. */
  readonly port: number;
  readonly transports: readonly ('udp' | 'tcp')[];
  readonly receiveBufferBytes: number;
  readonly maxConnections: number;
  readonly packetLimitMs?: number;
}

/** The ports on which captures come in. */
export interface Listener {
  /** The ports in use; null for a transport that is not configured. */
  readonly ports: Readonly<Record<'udp' | 'tcp', number | null>>;
  readonly connections: number;
  readonly receiveBufferBytes: number | null;
  /** Datagrams that the kernel dropped for want of room; null where it does not tell. */
  kernelDrops(): Promise<number | null>;
  /**
   * Resolves once everything has been handed over that had arrived, read or not, when it was called.
   * @param withinMs how long that may take.
   * @throws CodedError `LEDGER_BEHIND` where it takes longer.
   */
  drained(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Receives HEP over UDP and TCP.
 * @throws CodedError `LISTEN_FAILED`
 */
export async function listen(options: ListenOptions, intake: Intake): Promise<Listener> {
  const { transports } = options;
  const udp = transports.includes('udp') ? await listenUdp(options, intake) : null;
  const tcp = transports.includes('tcp') ? await listenTcpOrClose(options, intake, udp) : null;
  const open: readonly TransportListener[] = [udp, tcp].filter((one) => one !== null);
  return {
    ports: { udp: udp?.port ?? null, tcp: tcp?.port ?? null },
    get connections() {
      return tcp?.connections ?? 0;
    },
    receiveBufferBytes: udp?.receiveBufferBytes ?? null,
    kernelDrops: async () => (await udp?.kernelDrops()) ?? null,
    drained: async (withinMs) => {
      await Promise.all(open.map((one) => one.drained(withinMs)));
    },
    close: async () => {
      await Promise.all(open.map((one) => one.close()));
    },
  };
}

async function listenTcpOrClose(options: ListenOptions, intake: Intake, udp: UdpListener | null) {
  try {
    return await listenTcp(options, intake);
  } catch (error) {
    await udp?.close();
    throw error;
  }
}
