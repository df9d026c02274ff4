import { codedError, isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { freeSlots, layoutOf, type Layout } from '../layout.js';
import { hostRoot } from '../paths.js';
import { run } from './run.js';

/** Handle on the network namespace that the lab was started from (see scripts/namespace.sh). */
const CALLER = 'caller';

const addresses = z.array(
  z.object({ addr_info: z.array(z.object({ local: z.string(), prefixlen: z.number() })).default([]) }),
);
const routes = z.array(z.object({ dst: z.string() }));

/**
 * Makes the lab's bridge, and the uplink through which the machine reaches it, on the first free slot. The uplink's name
 * is the slot's lock: the kernel gives it once, and takes it back when the lab is gone.
 */
export async function makeNetwork(nodes: number, services: readonly string[]): Promise<Layout> {
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['link', 'add', 'lab', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0']);
  const layout = await takeSlot(nodes, services);
  await run('ip', ['link', 'set', 'uplink', 'master', 'lab', 'up']);
  await run('ip', ['address', 'add', `${layout.bridgeAddress}/${layout.prefix}`, 'dev', 'lab']);
  await run('ip', ['link', 'set', 'lab', 'up']);
  await run('ip', [
    '-n',
    CALLER,
    'address',
    'add',
    `${layout.callerAddress}/${layout.prefix}`,
    'dev',
    layout.uplink,
  ]);
  await run('ip', ['-n', CALLER, 'link', 'set', layout.uplink, 'addrgenmode', 'none', 'up']);
  return layout;
}

async function takeSlot(nodes: number, services: readonly string[]): Promise<Layout> {
  for (const slot of freeSlots(await networksOfCaller())) {
    const layout = layoutOf(slot, nodes, services);
    try {
      await run('ip', [
        'link',
        'add',
        'uplink',
        'type',
        'veth',
        'peer',
        'name',
        layout.uplink,
        'netns',
        CALLER,
      ]);
      return layout;
    } catch (error) {
      if (!isCoded(error) || !error.message.includes('File exists')) throw error;
    }
  }
  throw codedError('LAB_START_FAILED', 'every subnet 10.77.0.0/24 to 10.77.255.0/24 is in use');
}

async function networksOfCaller(): Promise<string[]> {
  const [links, table] = await Promise.all([
    run('ip', ['-n', CALLER, '-json', '-4', 'address', 'show']),
    run('ip', ['-n', CALLER, '-json', '-4', 'route', 'show', 'table', 'all']),
  ]);
  return [
    ...addresses
      .parse(parseJson(links))
      .flatMap((link) => link.addr_info.map((one) => `${one.local}/${one.prefixlen}`)),
    ...routes.parse(parseJson(table)).map((route) => route.dst),
  ];
}

/** `ip -json` prints nothing at all for an empty list. */
function parseJson(text: string): unknown {
  return text.trim() === '' ? [] : JSON.parse(text);
}

/**
 * Takes a host off the network, or brings it back, at its port of the bridge: the host keeps its addresses, routes and
 * carrier, and simply hears nobody, as behind a dead switch port.
 */
export async function setConnected({ address }: HostAddress, connected: boolean): Promise<void> {
  const port = `p-${address.slice(address.lastIndexOf('.') + 1)}`;
  await run('bridge', ['link', 'set', 'dev', port, 'state', connected ? '3' : '0']);
}

/** Where a host is. */
export interface HostAddress {
  readonly address: string;
  readonly address6: string;
}

/** What a host is not to hear of, nor to be heard by. */
export interface Peer extends HostAddress {
  /** TCP ports of the peer; all of its traffic where there is none. */
  readonly ports: readonly number[];
}

/** Drops all packets between a host and these peers without a word, and lets all others pass. */
export async function setDropped(host: string, peers: readonly Peer[]): Promise<void> {
  const root = hostRoot(host);
  const rules = (from: 'saddr' | 'daddr', port: 'sport' | 'dport'): string =>
    peers
      .flatMap(({ address, address6, ports }) => {
        const tail = `${ports.length === 0 ? '' : `tcp ${port} { ${ports.join(', ')} } `}drop`;
        return [`ip ${from} ${address} ${tail}`, `ip6 ${from} ${address6} ${tail}`];
      })
      .join('\n');
  const table = [
    'table inet lab',
    'delete table inet lab',
    'table inet lab {',
    `chain in { type filter hook input priority -300;\n${rules('saddr', 'sport')}\n}`,
    `chain out { type filter hook output priority -300;\n${rules('daddr', 'dport')}\n}`,
    '}',
    '',
  ].join('\n');
  const enter = [`--net=/run/netns/${host}`, `--root=${root}`, `--wd=${root}`];
  await run('nsenter', [...enter, '--', 'nft', '--file', '-'], table);
}
