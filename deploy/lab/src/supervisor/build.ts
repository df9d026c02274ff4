import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { CENTRAL_SERVICES, replicaNames, serviceHosts, type LabSpec } from '../options.js';
import type { HostLayout, Layout } from '../layout.js';
import { labPaths } from '../paths.js';
import type { LabInfo } from '../protocol.js';
import { coreUnits, natsUrl, postgresUrl } from './core.js';
import { edgeRpcUrl, edgeSeesNodes, kamailioUnit, proxyUnit, rtpengineUnit } from './edge.js';
import { makeHosts } from './hosts.js';
import { makeNetwork } from './network.js';
import { ariUrl, nodeUnit, type NodeSettings } from './nodes.js';
import {
  HEP_PORT,
  migrate,
  natsAuthorization,
  reinviteUnits,
  writeConfigs,
  type PlacedService,
  type ReinviteSettings,
} from './reinvite.js';
import {
  billingPassword,
  drawSecurity,
  makeRoles,
  withOutsider,
  writeSecrets,
  type Security,
} from './security.js';
import { addressValues, makeCertificates, nodesOf } from './telephony.js';
import { Unit, type UnitSpec } from './unit.js';
import { READY_MS, until } from './wait.js';

/** A lab whose processes all serve. */
export interface BuiltLab {
  readonly info: LabInfo;
  readonly units: ReadonlyMap<string, Unit>;
}

/**
 * Builds the lab in the namespaces that this process is in: network, hosts, then the processes, those that need no other
 * side by side.
 * @throws CodedError `LAB_START_FAILED`; what was started so far ends with the namespaces.
 */
export async function buildLab(
  spec: LabSpec,
  layers: string,
  pid: number,
  progress: (line: string) => void,
): Promise<BuiltLab> {
  const paths = labPaths(spec.name);
  const units = new Map<string, Unit>();
  const start = async (specs: readonly UnitSpec[]): Promise<void> => {
    const fresh = specs.map((one) => new Unit(one, paths.logs));
    for (const unit of fresh) units.set(unit.spec.name, unit);
    await Promise.all(fresh.map((unit) => unit.start()));
  };

  await Promise.all([mkdir(paths.logs, { recursive: true }), mkdir(paths.shared, { recursive: true })]);
  progress('network and hosts');
  const layout = await makeNetwork(spec.nodes, serviceHosts(spec));
  await makeHosts(layout, layers, paths.shared);
  const core = hostOf(layout, 'core');
  const natsHosts = replicaNames('nats', spec.nats)
    .slice(1)
    .map((name) => hostNamed(layout, name));
  const services = placeServices(spec, layout);
  const security = drawSecurity(paths.config, paths.shared);
  const billing = spec.billing ? { password: billingPassword(security) } : undefined;
  const nodes = nodeSettings(layout, services, billing);
  const info = infoOf(spec, layout, nodes, pid, security);
  if (nodes.length === 0) {
    progress('NATS and PostgreSQL');
    await start(await coreUnits(core, natsHosts, spec.postgresDiskMb));
    return { info, units };
  }

  progress(`NATS, PostgreSQL, Kamailio, RTPEngine and ${nodes.length} Asterisk`);
  const edge = hostOf(layout, 'edge');
  const reinvite: ReinviteSettings = {
    lab: spec.name,
    core,
    natsHosts,
    edge,
    nodes,
    services,
    config: paths.config,
    restrained: spec.restrained,
    fenceCommand: spec.fenceCommand,
    leases: spec.leases,
    settableClocks: spec.settableClocks,
    variables: spec.variables,
    billing: spec.billing,
    security,
  };
  const certificates = makeCertificates(layout);
  const config = await writeConfigs(reinvite);
  const central = Promise.all([certificates, spec.reinvite ? authorize(reinvite) : undefined]).then(
    async ([, authorization]) => start(await coreUnits(core, natsHosts, spec.postgresDiskMb, authorization)),
  );
  const media = rtpengineUnit(edge).then((unit) => start([unit]));
  const migrated = central.then(async () => {
    if (!spec.reinvite) return;
    await makeRoles(core, security);
    await migrate(reinvite);
  });
  // The modules that write billing records look once, at their start, which columns the tables have.
  const asterisks = Promise.all([certificates, spec.billing ? migrated : undefined])
    .then(() => Promise.all(nodes.map(nodeUnit)))
    .then(start);
  const second = certificates.then(async () => start([await proxyUnit(hostOf(layout, 'proxy'), layout)]));
  // Kamailio gives up for a while what does not answer at its own start.
  const proxy = Promise.all([media, asterisks]).then(async () => start([await kamailioUnit(edge, layout)]));
  const reinviteUp = migrated.then(async () => {
    if (spec.reinvite) await start(reinviteUnits(reinvite));
  });
  await Promise.all([reinviteUp, proxy, second]);
  progress('the edge finds the nodes');
  await until('the edge, with every node answering,', READY_MS, () =>
    edgeSeesNodes(edge.address, nodes.length),
  );
  return { info: { ...info, config }, units };
}

/** Makes the services' logins; gives what NATS is told of them. */
async function authorize(reinvite: ReinviteSettings): Promise<string> {
  const { security, core, nodes } = reinvite;
  await writeSecrets(security, nodes[0]?.ari.password ?? '', core.address);
  return withOutsider(await natsAuthorization(reinvite), security);
}

/** Every process of a central service, and its host. */
function placeServices(spec: LabSpec, layout: Layout): PlacedService[] {
  return CENTRAL_SERVICES.flatMap((service) =>
    replicaNames(service, spec.services[service] ?? 1).map((name, index) => {
      const ownHost = spec.services[service] !== undefined;
      return {
        service,
        name,
        replica: index + 1,
        host: ownHost ? hostNamed(layout, name) : hostOf(layout, 'core'),
      };
    }),
  );
}

function nodeSettings(
  layout: Layout,
  services: readonly PlacedService[],
  billing: NodeSettings['billing'],
): NodeSettings[] {
  const ledgers = services.filter(({ service }) => service === 'dialog-ledger');
  const addresses = addressValues(layout);
  const password = randomBytes(16).toString('hex');
  return nodesOf(layout).map((node, index) => ({
    node,
    addresses,
    // Each node is captured by one ledger.
    hep: `${ledgers[index % ledgers.length]?.host.address ?? ''}:${HEP_PORT}`,
    hepCaptureId: index + 1,
    ari: { url: ariUrl(node.address), username: 'reinvite', password },
    ...(billing === undefined ? {} : { billing }),
  }));
}

function hostOf(layout: Layout, role: HostLayout['role']): HostLayout {
  const host = layout.hosts.find((one) => one.role === role);
  if (host === undefined) throw new TypeError(`the layout has no ${role}`);
  return host;
}

function hostNamed(layout: Layout, name: string): HostLayout {
  const host = layout.hosts.find((one) => one.name === name);
  if (host === undefined) throw new TypeError(`the layout has no ${name}`);
  return host;
}

function infoOf(
  spec: LabSpec,
  layout: Layout,
  nodes: readonly NodeSettings[],
  pid: number,
  { outsider, caFile }: Security,
): LabInfo {
  const paths = labPaths(spec.name);
  const core = hostOf(layout, 'core').address;
  const edge = layout.hosts.find((host) => host.role === 'edge')?.address;
  return {
    name: spec.name,
    pid,
    subnet: `10.77.${layout.slot}.0/${layout.prefix}`,
    hosts: Object.fromEntries(
      layout.hosts.map(({ name, role, address, address6 }) => [name, { role, address, address6 }]),
    ),
    ...(edge === undefined ? {} : { sip: `sip:${edge}:5060`, edgeRpc: edgeRpcUrl(edge) }),
    ...(spec.reinvite
      ? { nats: natsUrl(core, `${outsider.user}:${outsider.password}@`), natsTls: { caFile } }
      : { nats: natsUrl(core) }),
    postgres: postgresUrl(core),
    ari: Object.fromEntries(nodes.map(({ node, ari }) => [node.name, ari])),
    logs: paths.logs,
    shared: paths.shared,
  };
}
