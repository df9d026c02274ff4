import { setPriority } from 'node:os';
import { codedError, createLogger, loadConfig, shutdownSignal, type Config } from '@reinvite/runtime';
import { givesWay, loadServices, selectServices } from '../services.js';
import { supervise } from '../supervise.js';

/** A service writes out what it holds when it stops; one that takes longer than this hangs. */
const STOP_TIMEOUT_MS = 5_000;

/** Of Linux: 0 is usual, 19 gives way to everybody. */
const BACKGROUND_NICENESS = 5;

export interface RunOptions {
  readonly config: string;
  readonly node?: string;
}

/**
 * `reinvite run`: runs services in this process until SIGINT or SIGTERM.
 * @throws CodedError `USAGE_INVALID`, `CONFIG_*`, or what ended a service.
 */
export async function run(asked: readonly string[], options: RunOptions): Promise<void> {
  const config = withNode(await loadConfig(options.config), options.node);
  const names = selectServices(asked, config);
  if (names.every(givesWay)) setPriority(BACKGROUND_NICENESS);
  const signal = shutdownSignal();
  await supervise(await loadServices(names), {
    config,
    signal,
    createLogger: (service) => createLogger(service, config.log.level),
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
}

/**
 * The configuration for the agent of this node.
 * @throws CodedError `CONFIG_INVALID` for a node that the configuration does not have.
 */
export function withNode(config: Config, node: string | undefined): Config {
  const nodeId = node ?? config.nodeAgent.nodeId;
  if (nodeId === undefined) return config;
  if (!config.nodes.some(({ id }) => id === nodeId)) {
    throw codedError('CONFIG_INVALID', `the node ${nodeId} is not among the configured nodes`, { nodeId });
  }
  return Object.freeze({ ...config, nodeAgent: Object.freeze({ ...config.nodeAgent, nodeId }) });
}
