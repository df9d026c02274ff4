import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Sends packets at an even rate.
 * @param perSecond packets a second; what falls behind is caught up with.
 * @returns how many were sent, and in how many seconds.
 */
export async function sendEvenly(
  packets: Iterable<Buffer>,
  perSecond: number,
  port: number,
  signal: AbortSignal,
): Promise<{ sent: number; seconds: number }> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const started = performance.now();
  let sent = 0;
  let underWay = 0;
  const isAhead = (): boolean => (performance.now() - started) * perSecond < sent * 1_000;
  try {
    for (const packet of packets) {
      while (isAhead() || underWay > 200) await delay(1, undefined, { signal });
      underWay += 1;
      socket.send(packet, () => (underWay -= 1));
      sent += 1;
    }
    while (underWay > 0) await delay(1, undefined, { signal });
    return { sent, seconds: (performance.now() - started) / 1_000 };
  } finally {
    socket.close();
  }
}
