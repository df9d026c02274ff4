import { codedError, isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { freeSlots, layoutOf, type Layout } from '../layout.js';
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
export async function makeNetwork(nodes: number): Promise<Layout> {
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['link', 'add', 'lab', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0']);
  const layout = await takeSlot(nodes);
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

async function takeSlot(nodes: number): Promise<Layout> {
  for (const slot of freeSlots(await networksOfCaller())) {
    const layout = layoutOf(slot, nodes);
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
export async function setConnected(host: string, connected: boolean): Promise<void> {
  await run('bridge', ['link', 'set', 'dev', `p-${host}`, 'state', connected ? '3' : '0']);
}
