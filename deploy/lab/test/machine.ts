import { readdir, readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What a lab could leave on the machine. */
export interface Traces {
  readonly mounts: string[];
  readonly uplinks: string[];
  readonly processes: string[];
}

/** Traces of the lab whose process has this id and whose subnet starts so (`10.77.3.`). */
export async function tracesOf(pid: number, name: string, subnet: string): Promise<Traces> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes('reinvite-lab') || line.includes(`/${name}/`));
  const uplinks = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => address.startsWith(subnet)) === true)
    .map(([link]) => link);
  return { mounts, uplinks, processes: await processesBelow(pid) };
}

/** Processes that live in the PID namespace of a lab, by the namespace that its first process gave its children. */
async function processesBelow(pid: number): Promise<string[]> {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    entries.map(async (entry) => {
      const namespace = await readlink(`/proc/${entry}/ns/pid`).catch(() => undefined);
      return namespace !== undefined && namespace === pidNamespaces.get(pid) ? [entry] : [];
    }),
  );
  return found.flat();
}

const pidNamespaces = new Map<number, string>();

/** Remembers which PID namespace is the lab's, while it is up. */
export async function rememberNamespace(pid: number): Promise<void> {
  pidNamespaces.set(pid, await readlink(`/proc/${pid}/ns/pid_for_children`));
}

/** Asks until the answer is true. */
export async function eventually(
  what: string,
  check: () => Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs} ms: ${what}`);
    await delay(50);
  }
}
