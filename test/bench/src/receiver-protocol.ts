import { z } from 'zod';

/** What a receiver says of itself, as a child process, when it is asked with the message `report`. */
export const receiverReport = z.object({
  port: z.number().int(),
  /** Datagrams that it has read. */
  packets: z.number().int(),
  /** Datagrams that the kernel dropped before they were read. */
  kernelDrops: z.number().int().nullable(),
  /** Call-IDs that it holds. */
  callIds: z.number().int(),
  /** Processor time of all its threads so far, in µs. */
  cpuUs: z.number(),
  /** Bytes in use after a garbage collection: the heap, and what lies outside of it. */
  bytes: z.number(),
});
export type ReceiverReport = z.infer<typeof receiverReport>;

/** Answers `report` until the parent goes away. */
export function answerReports(
  counts: () => Promise<Pick<ReceiverReport, 'port' | 'packets' | 'kernelDrops' | 'callIds'>>,
): void {
  process.on('message', () => {
    void counts().then((counted) => {
      globalThis.gc?.();
      const { user, system } = process.cpuUsage();
      const { heapUsed, external } = process.memoryUsage();
      process.send?.({ ...counted, cpuUs: user + system, bytes: heapUsed + external });
    });
  });
  process.on('disconnect', () => process.exit());
}
