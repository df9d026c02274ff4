import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { subjects, type Bus } from '@reinvite/bus';
import { PostgresDialogSource, type Pool } from '@reinvite/db';
import { ledgerBarrierReply } from '@reinvite/domain';
import { parseSip, decodeHep } from '@reinvite/sip';
import { z } from 'zod';
import { callMessages } from './traffic.js';

/** Milliseconds: the middle, and what 1 of 100 exceeds. */
export interface Spread {
  readonly median: number;
  readonly p99: number;
}

export interface Latency {
  /** A request on NATS that is answered at once, and then the shortest query: less than a barrier cannot take. */
  readonly floor: Spread;
  /** A barrier, asked for right after a call was set up. */
  readonly barrier: Spread;
  /** From a call's last message until its dialog is readable, without a barrier. */
  readonly readable: Spread;
}

const SAMPLES = 100;
const ECHO = 'reinvite.bench.echo';

export async function measureLatency(
  { bus, pool }: { bus: Bus; pool: Pool },
  port: number,
  first: number,
  signal: AbortSignal,
): Promise<Latency> {
  const socket = createSocket('udp4');
  const source = new PostgresDialogSource(pool);
  const end = bus.respond(
    ECHO,
    z.unknown(),
    () => Promise.resolve({}),
    () => ({}),
  );
  let index = first;
  const call = (): string => {
    const { setUp } = callMessages((index += 1));
    for (const packet of setUp) socket.send(packet, port, '127.0.0.1');
    return parseSip(decodeHep(setUp[0] ?? Buffer.alloc(0)).payload).callId;
  };
  const barrier = () =>
    bus.request(
      subjects.ledgerBarrier,
      { type: 'LedgerBarrier', requestedBy: 'bench', at: Date.now() },
      ledgerBarrierReply,
      10_000,
    );
  try {
    const floor = await sampled(signal, async () => {
      await bus.request(ECHO, {}, z.unknown(), 10_000);
      await pool.query('select 1');
    });
    const barriers = await sampled(signal, async () => {
      call();
      await barrier();
    });
    const readable = await sampled(signal, async () => {
      const callId = call();
      while ((await source.findByCallIds([callId])).size === 0) await delay(1, undefined, { signal });
    });
    return { floor, barrier: barriers, readable };
  } finally {
    end();
    socket.close();
  }
}

async function sampled(signal: AbortSignal, once: () => Promise<void>): Promise<Spread> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await delay(10, undefined, { signal });
    const started = performance.now();
    await once();
    times.push(performance.now() - started);
  }
  return spreadOf(times);
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { median: at(0.5), p99: at(0.99) };
}
