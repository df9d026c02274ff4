import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CHECKOUT, hostRoot } from '../paths.js';
import type { HostLayout, Layout } from '../layout.js';
import { multiarch, renderDirectory } from './template.js';
import { run } from './run.js';
import type { UnitSpec } from './unit.js';
import { until } from './wait.js';

const READY_MS = 30_000;
const RTPENGINE_CONTROL = '127.0.0.1:2223';

export const edgeRpcUrl = (edge: string): string => `http://${edge}:8080/rpc`;

/** RTPEngine, in user space. */
export async function rtpengineUnit(edge: HostLayout): Promise<UnitSpec> {
  await copyFile(
    path.join(CHECKOUT, 'deploy/kamailio/rtpengine.sh'),
    path.join(hostRoot(edge.name), 'usr/local/bin/reinvite-rtpengine'),
  );
  return {
    name: 'rtpengine',
    host: edge.name,
    files: 'host',
    argv: ['reinvite-rtpengine', edge.address, RTPENGINE_CONTROL],
    ready: () => until('rtpengine', READY_MS, () => listensUdp(edge.name, RTPENGINE_CONTROL)),
  };
}

export async function kamailioUnit(edge: HostLayout, layout: Layout): Promise<UnitSpec> {
  const root = hostRoot(edge.name);
  const nodes = layout.hosts.filter((host) => host.role === 'node');
  const phones = layout.hosts.find((host) => host.role === 'phones');
  await renderDirectory('kamailio', path.join(root, 'etc/kamailio'), {
    EDGE_ADDRESS: edge.address,
    PHONES_ADDRESS: phones?.address ?? '',
    RTPENGINE_CONTROL,
    MULTIARCH: multiarch(),
    NAMED_NODES: nodes.map((node) => `\t$sht(named=>${node.name}) = "sip:${node.address}:5060";`).join('\n'),
  });
  // 9: inactive and probed, until its first answer.
  await writeFile(
    path.join(root, 'etc/kamailio/dispatcher.list'),
    nodes.map((node) => `1 sip:${node.address}:5060 9 0\n`).join(''),
  );
  await mkdir(path.join(root, 'run/kamailio'), { recursive: true });
  return {
    name: 'kamailio',
    host: edge.name,
    files: 'host',
    // -DD: stays in the foreground and is no daemon. -M: private memory of each worker, in MB.
    argv: ['kamailio', '-DD', '-E', '-f', '/etc/kamailio/kamailio.cfg', '-m', '256', '-M', '32'],
    ready: () => until('kamailio', READY_MS, () => answersRpc(edge.address)),
  };
}

/** True when the edge knows every node as answering. */
export async function edgeSeesNodes(edge: string, nodes: number): Promise<boolean> {
  const listing = JSON.stringify(await rpc(edge, 'dispatcher.list'));
  return (listing.match(/"FLAGS":\s*"AP"/g) ?? []).length === nodes;
}

async function answersRpc(edge: string): Promise<boolean> {
  await rpc(edge, 'core.uptime');
  return true;
}

async function rpc(edge: string, method: string): Promise<unknown> {
  const response = await fetch(edgeRpcUrl(edge), {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }),
    signal: AbortSignal.timeout(1_000),
  });
  return response.json();
}

async function listensUdp(host: string, address: string): Promise<boolean> {
  return (await run('nsenter', [`--net=/run/netns/${host}`, '--', 'ss', '-H', '-lun'])).includes(address);
}
