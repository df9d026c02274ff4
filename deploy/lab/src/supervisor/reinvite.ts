import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { CHECKOUT, LAB_PACKAGE } from '../paths.js';
import type { HostLayout } from '../layout.js';
import type { CentralService } from '../options.js';
import { settableClock } from '../clock/clock-file.js';
import { natsUrl } from './core.js';
import { ariTlsUrl, pidFileOf, type NodeSettings } from './nodes.js';
import { run } from './run.js';
import type { Security } from './security.js';
import type { UnitSpec } from './unit.js';
import { READY_MS, until } from './wait.js';

const MAIN = path.join(CHECKOUT, 'services/cli/dist/main.js');

export const HEP_PORT = 9060;

/** One process of a service that belongs to no node. */
export interface PlacedService {
  readonly service: CentralService;
  /** Of the process: `recovery`, `recovery-2`. */
  readonly name: string;
  /** From 1. */
  readonly replica: number;
  readonly host: HostLayout;
}

/** What the configuration of Reinvite is made from. */
export interface ReinviteSettings {
  readonly lab: string;
  readonly core: HostLayout;
  /** NATS servers beside the one on `core`. */
  readonly natsHosts: readonly HostLayout[];
  readonly edge: HostLayout;
  readonly nodes: readonly NodeSettings[];
  readonly services: readonly PlacedService[];
  readonly config: string;
  readonly restrained: boolean;
  readonly fenceCommand: boolean;
  /** By node, ms. */
  readonly leases: Readonly<Record<string, number>>;
  /** Names of channel variables. */
  readonly variables: readonly string[];
  readonly billing: boolean;
  readonly settableClocks: boolean;
  readonly security: Security;
}

const SHARED_CONFIG = 'reinvite.yaml';

/** Writes reinvite.yaml, and one file for each process that needs more than that. Gives the path of the first. */
export async function writeConfigs(settings: ReinviteSettings): Promise<string> {
  await mkdir(settings.config, { recursive: true });
  const shared = sharedConfig(settings);
  await Promise.all([
    ...settings.services.map((placed) =>
      writeFile(serviceConfigFile(settings, placed), stringify(replicaConfig(shared, placed))),
    ),
    ...settings.nodes.map(({ node }) =>
      writeFile(
        agentConfigFile(settings, node.name),
        stringify({ ...shared, nodeAgent: agentConfig(settings, node.name) }),
      ),
    ),
  ]);
  const file = path.join(settings.config, SHARED_CONFIG);
  await writeFile(file, stringify(shared));
  return file;
}

function agentConfig({ config, leases, variables, security }: ReinviteSettings, nodeId: string): object {
  const ms = leases[nodeId];
  // The machine's /run is not the lab's alone.
  const file = path.join(config, `${nodeId}.lease`);
  const lease = ms === undefined ? {} : { lease: { enabled: true, ms, file } };
  // The lab has one password for both interfaces of its Asterisks.
  const ami = { secretFile: security.ariPasswordFile };
  return { nodeId, pidFile: pidFileOf(nodeId), ami, variables, ...lease };
}

/** What nats-server is told of who may do what; makes the keys. */
export function natsAuthorization(settings: ReinviteSettings): Promise<string> {
  const config = path.join(settings.config, SHARED_CONFIG);
  return run(process.execPath, [MAIN, 'nats-config', '--config', config]);
}

/** Brings the database's schema up to date, and the streams. */
export async function migrate(settings: ReinviteSettings): Promise<void> {
  const config = path.join(settings.config, SHARED_CONFIG);
  await run('nsenter', [
    `--net=/run/netns/${settings.core.name}`,
    '--',
    process.execPath,
    MAIN,
    'migrate',
    '--config',
    config,
  ]);
}

/** Reinvite's own processes: one agent on each node, the rest in core. */
export function reinviteUnits(settings: ReinviteSettings): UnitSpec[] {
  const unit = (name: string, service: string, host: string, config: string): UnitSpec =>
    serviceUnit(settings, name, service, host, config);
  const central = settings.services.map((placed) =>
    unit(placed.name, placed.service, placed.host.name, serviceConfigFile(settings, placed)),
  );
  const agents = settings.nodes.map(({ node }) =>
    unit(`node-agent-${node.name}`, 'node-agent', node.name, agentConfigFile(settings, node.name)),
  );
  return [...central, ...agents];
}

function serviceUnit(
  { config: dir, settableClocks }: ReinviteSettings,
  name: string,
  service: string,
  host: string,
  config: string,
): UnitSpec {
  const clock = settableClocks ? ['--import', settableClock(dir, name)] : [];
  return {
    name,
    host,
    files: 'machine',
    argv: [process.execPath, ...clock, MAIN, 'run', service, '--config', config],
    ready: (said) => until(name, READY_MS, async () => (await said()).includes('"msg":"ready"')),
  };
}

function agentConfigFile(settings: ReinviteSettings, node: string): string {
  return path.join(settings.config, `node-agent-${node}.yaml`);
}

/** Replicas of recovery have nothing of their own: they share the file that the lab tells of. */
function serviceConfigFile(settings: ReinviteSettings, { service, name }: PlacedService): string {
  return path.join(settings.config, service === 'recovery' ? SHARED_CONFIG : `${name}.yaml`);
}

/** What no two replicas may have in common. */
function replicaConfig(shared: SharedConfig, { service, replica, host }: PlacedService): object {
  switch (service) {
    case 'dialog-ledger':
      return {
        ...shared,
        dialogLedger: { ...shared.dialogLedger, ledgerId: `ledger-${replica}`, host: host.address },
      };
    case 'ari-worker':
      return { ...shared, ariWorker: { workerId: `worker-${replica}` } };
    case 'sentinel':
      return { ...shared, sentinel: { ...shared.sentinel, sentinelId: `sentinel-${replica}` } };
    case 'recovery':
      return shared;
  }
}

/** A play kills nodes again and again, most of them at once, and has no operator. */
const UNRESTRAINED = {
  flapping: { crashes: 1_000 },
  massFailure: { share: 1 },
  policies: { default: { quarantineMs: 0 } },
};

/** Every second node is reached by TLS, so that both ways are played on. The password is in a file of its own. */
function ariOf(
  index: number,
  { address }: HostLayout,
  { url, username }: NodeSettings['ari'],
  { ariPasswordFile: passwordFile, caFile }: Security,
): object {
  if (index % 2 === 0) return { url, username, passwordFile };
  return { url: ariTlsUrl(address), username, passwordFile, caFile };
}

type SharedConfig = ReturnType<typeof sharedConfig>;

function sharedConfig({
  lab,
  core,
  natsHosts,
  edge,
  nodes,
  services,
  restrained,
  fenceCommand,
  billing,
  security,
}: ReinviteSettings) {
  const labCommand = [process.execPath, path.join(LAB_PACKAGE, 'dist/cli.js')];
  return {
    nats: {
      servers: [core, ...natsHosts].map(({ address }) => natsUrl(address)),
      nkeyFile: security.nkeyFile,
      tls: { caFile: security.caFile },
      ...(natsHosts.length === 0 ? {} : { replicas: natsHosts.length + 1 }),
    },
    postgres: { urlFile: security.postgresUrlFile },
    log: { level: 'info' },
    nodes: nodes.map(({ node, ari, hepCaptureId }, index) => ({
      id: node.name,
      sipAddresses: [node.address, node.address6],
      ari: ariOf(index, node, ari, security),
      hepCaptureId,
    })),
    dialogLedger: { host: core.address, port: HEP_PORT },
    recovery: {
      ledgers: services.filter(({ service }) => service === 'dialog-ledger').length,
      edges: [{ rpcUrl: `http://${edge.address}:8080/rpc` }],
      ...(restrained ? {} : UNRESTRAINED),
      ...(billing ? { billing: { write: 'missing', missingAfterMs: 10_000 } } : {}),
    },
    sentinel: {
      // Stands for the hypervisor or the power switch that kills a node from outside.
      ...(fenceCommand ? { fenceCommand: [...labCommand, 'kill', '{nodeId}', '--name', lab] } : {}),
      sentinels: services.filter(({ service }) => service === 'sentinel').length,
    },
  };
}
