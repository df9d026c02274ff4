import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CHECKOUT, hostRoot } from '../paths.js';
import type { HostLayout, Layout } from '../layout.js';
import { run } from './run.js';
import { addressValues, nodesOf, SIP_PORT } from './telephony.js';
import { renderDirectory } from './template.js';
import type { UnitSpec } from './unit.js';
import { READY_MS, until } from './wait.js';

const RTPENGINE_CONTROL = '127.0.0.1:2223';
/** Users that can register; the password of each is its name. */
const LAB_USERS = ['alice', 'bob', 'carol', 'dave', 'erin'];

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
    argv: ['reinvite-rtpengine', RTPENGINE_CONTROL, edge.address, edge.address6],
    ready: () => until('rtpengine', READY_MS, () => listensUdp(edge.name, RTPENGINE_CONTROL)),
  };
}

/** The edge's Kamailio, with what is the lab's own. */
export async function kamailioUnit(edge: HostLayout, layout: Layout): Promise<UnitSpec> {
  const etc = path.join(hostRoot(edge.name), 'etc/kamailio');
  const central = layout.hosts.filter(({ role }) => role === 'core' || role === 'service');
  const rpcClients = [...central.map(({ address }) => address), layout.callerAddress, layout.bridgeAddress];
  const values = {
    ...addressValues(layout),
    RTPENGINE_CONTROL,
    TLS_NAME: edge.name,
    RPC_CLIENTS: rpcClients.map((address) => `${address}/32`).join(','),
    PASSWORDS: LAB_USERS.map((user) => `\t$sht(password=>${user}) = "${user}";`).join('\n'),
  };
  await renderDirectory('kamailio', etc, values);
  await renderDirectory('lab/kamailio', etc, values);
  const nodes = nodesOf(layout);
  await writeFile(
    path.join(etc, 'dispatcher.list'),
    // 9: inactive and probed, until its first answer. 4: neither probed nor chosen.
    [
      ...nodes.map((node) => `1 sip:${node.address}:${SIP_PORT} 9 0\n`),
      ...nodes.map((node) => `2 sip:[${node.address6}]:${SIP_PORT} 4 0\n`),
    ].join(''),
  );
  return kamailio('kamailio', edge.name, 'kamailio.cfg', ['LAB', 'WITH_TLS', 'WITH_IPV6'], () =>
    answersRpc(edge.address),
  );
}

/** The second proxy. */
export async function proxyUnit(proxy: HostLayout, layout: Layout): Promise<UnitSpec> {
  await renderDirectory('lab/kamailio', path.join(hostRoot(proxy.name), 'etc/kamailio'), {
    ...addressValues(layout),
    TLS_NAME: proxy.name,
  });
  return kamailio('proxy', proxy.name, 'proxy.cfg', [], () =>
    listensUdp(proxy.name, `${proxy.address}:${SIP_PORT}`),
  );
}

async function kamailio(
  name: string,
  host: string,
  config: string,
  defines: readonly string[],
  serves: () => Promise<boolean>,
): Promise<UnitSpec> {
  await mkdir(path.join(hostRoot(host), 'run/kamailio'), { recursive: true });
  return {
    name,
    host,
    files: 'host',
    argv: [
      // -DD: stays in the foreground and is no daemon. -M: private memory of each worker, in MB.
      ...['kamailio', '-DD', '-E', '-f', `/etc/kamailio/${config}`, '-m', '256', '-M', '32'],
      ...defines.flatMap((define) => ['-A', define]),
    ],
    ready: () => until(name, READY_MS, serves),
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
