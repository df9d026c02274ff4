import { readFile } from 'node:fs/promises';

/**
 * How many datagrams the kernel has dropped because the buffer of the sockets on a port was full; Linux only.
 * @returns null where it does not tell.
 */
export async function readKernelDrops(type: 'udp4' | 'udp6', port: number): Promise<number | null> {
  try {
    return dropsOf(await readFile(type === 'udp4' ? '/proc/net/udp' : '/proc/net/udp6', 'utf8'), port);
  } catch {
    return null;
  }
}

/** Reads `/proc/net/udp` (proc(5)): the local address is the second column, `drops` the last. */
export function dropsOf(table: string, port: number): number | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const drops = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local]) => local?.endsWith(wanted) === true)
    .map((columns) => Number(columns.at(-1)));
  return drops.length === 0 ? null : drops.reduce((sum, count) => sum + count, 0);
}
