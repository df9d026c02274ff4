import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { CHECKOUT, LAB_PACKAGE } from '../paths.js';
import type { HostLayout } from '../layout.js';
import { natsUrl, postgresUrl } from './core.js';
import { pidFileOf, type NodeSettings } from './nodes.js';
import { run } from './run.js';
import type { UnitSpec } from './unit.js';
import { until } from './wait.js';

const READY_MS = 30_000;
const MAIN = path.join(CHECKOUT, 'services/cli/dist/main.js');
const CENTRAL = ['dialog-ledger', 'sentinel', 'recovery', 'ari-worker'];

export const HEP_PORT = 9060;

/** What the configuration of Reinvite is made from. */
export interface ReinviteSettings {
  readonly lab: string;
  readonly core: HostLayout;
  readonly edge: HostLayout;
  readonly nodes: readonly NodeSettings[];
  readonly config: string;
}

/** Writes reinvite.yaml, and one file for each node's agent. Gives the path of the first. */
export async function writeConfigs(settings: ReinviteSettings): Promise<string> {
  await mkdir(settings.config, { recursive: true });
  const shared = sharedConfig(settings);
  await Promise.all(
    settings.nodes.map(({ node }) =>
      writeFile(
        agentConfigFile(settings, node.name),
        stringify({ ...shared, nodeAgent: { nodeId: node.name, pidFile: pidFileOf(node.name) } }),
      ),
    ),
  );
  const file = path.join(settings.config, 'reinvite.yaml');
  await writeFile(file, stringify(shared));
  return file;
}

/** Brings the database's schema up to date. */
export async function migrate(settings: ReinviteSettings): Promise<void> {
  const config = path.join(settings.config, 'reinvite.yaml');
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
  const central = CENTRAL.map((service) =>
    serviceUnit(service, service, settings.core.name, path.join(settings.config, 'reinvite.yaml')),
  );
  const agents = settings.nodes.map(({ node }) =>
    serviceUnit(`node-agent-${node.name}`, 'node-agent', node.name, agentConfigFile(settings, node.name)),
  );
  return [...central, ...agents];
}

function serviceUnit(name: string, service: string, host: string, config: string): UnitSpec {
  return {
    name,
    host,
    files: 'machine',
    argv: [process.execPath, MAIN, 'run', service, '--config', config],
    ready: (said) => until(name, READY_MS, async () => (await said()).includes('"msg":"ready"')),
  };
}

function agentConfigFile(settings: ReinviteSettings, node: string): string {
  return path.join(settings.config, `node-agent-${node}.yaml`);
}

function sharedConfig({ lab, core, edge, nodes }: ReinviteSettings): object {
  const labCommand = [process.execPath, path.join(LAB_PACKAGE, 'dist/cli.js')];
  return {
    nats: { servers: [natsUrl(core.address)] },
    postgres: { url: postgresUrl(core.address) },
    log: { level: 'info' },
    nodes: nodes.map(({ node, ari, hepCaptureId }) => ({
      id: node.name,
      sipAddresses: [node.address, node.address6],
      ari,
      hepCaptureId,
    })),
    dialogLedger: { host: core.address, port: HEP_PORT },
    recovery: { edges: [{ rpcUrl: `http://${edge.address}:8080/rpc` }] },
    // Stands for the hypervisor or the power switch that kills a node from outside.
    sentinel: { fenceCommand: [...labCommand, 'kill', '{nodeId}', '--name', lab] },
  };
}
