import { open, readdir, readFile, readlink, type FileHandle } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What a lab could leave on the machine. */
export interface Traces {
  readonly mounts: string[];
  readonly uplinks: string[];
  readonly processes: string[];
}

/** Traces of the lab whose process has this id ({@link rememberLab}). */
export async function tracesOf(pid: number, name: string): Promise<Traces> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes('reinvite-lab') || line.includes(`/${name}/`));
  const known = remembered.get(pid);
  const links = await Promise.all((known?.uplinks ?? []).map(isThere));
  const uplinks = (known?.uplinks ?? []).filter((_, n) => links[n]).map(({ link }) => link);
  return { mounts, uplinks, processes: await processesBelow(known?.namespace) };
}

/** Processes that live in a PID namespace. */
async function processesBelow(namespace: string | undefined): Promise<string[]> {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    entries.map(async (entry) => {
      const own = await readlink(`/proc/${entry}/ns/pid`).catch(() => undefined);
      return own !== undefined && own === namespace ? [entry] : [];
    }),
  );
  return found.flat();
}

interface Uplink {
  readonly link: string;
  /** Of the interface itself; its name and its addresses may be another lab's later. */
  readonly index: string;
}

interface Remembered {
  /** The PID namespace that the lab's first process gave its children. */
  readonly namespace: string;
  /** As long as it is open no other namespace gets that number. */
  readonly held: FileHandle;
  readonly uplinks: readonly Uplink[];
}

const remembered = new Map<number, Remembered>();

/** Remembers what is the lab's while it is up: its process id, and how the addresses of its subnet begin (`10.77.3.`). */
export async function rememberLab(pid: number, subnet: string): Promise<void> {
  const file = `/proc/${pid}/ns/pid_for_children`;
  const links = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => address.startsWith(subnet)) === true)
    .map(([link]) => link);
  if (links.length === 0) throw new Error(`no interface of this machine has an address of ${subnet}`);
  remembered.set(pid, {
    namespace: await readlink(file),
    held: await open(file),
    uplinks: await Promise.all(links.map(async (link) => ({ link, index: await indexOf(link) }))),
  });
}

/** Lets go of the labs that were remembered. */
export async function forgetLabs(): Promise<void> {
  await Promise.all([...remembered.values()].map(({ held }) => held.close()));
  remembered.clear();
}

async function isThere({ link, index }: Uplink): Promise<boolean> {
  return (await indexOf(link).catch(() => '')) === index;
}

function indexOf(link: string): Promise<string> {
  return readFile(`/sys/class/net/${link}/ifindex`, 'utf8');
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
