import { codedError, type Config, type Service } from '@reinvite/runtime';

/**
 * Every service, in the order of the data's way, loaded only when it is asked for. Services stop in this order too, so
 * that each still takes what the one before it has sent.
 */
const loaders = {
  'node-agent': async () => (await import('@reinvite/node-agent')).nodeAgent,
  'dialog-ledger': async () => (await import('@reinvite/dialog-ledger')).dialogLedger,
  sentinel: async () => (await import('@reinvite/sentinel')).sentinel,
  recovery: async () => (await import('@reinvite/recovery')).recovery,
  'ari-worker': async () => (await import('@reinvite/ari-worker')).ariWorker,
} as const satisfies Record<string, () => Promise<Service>>;

export type ServiceName = keyof typeof loaders;

export const SERVICE_NAMES = Object.keys(loaders) as readonly ServiceName[];

/**
 * What is observed can wait a few ms, a re-INVITE cannot: where they share processors, as an agent does with its Asterisk,
 * the observers give way.
 */
export function givesWay(name: ServiceName): boolean {
  return name === 'node-agent' || name === 'dialog-ledger';
}

export interface NamedService {
  readonly name: ServiceName;
  readonly service: Service;
}

/**
 * The services that a command line asks for, each once, in the order of the data's way. `all` is every service;
 * node-agent is part of it only where the configuration says whose agent this is.
 * @throws CodedError `USAGE_INVALID` for an unknown name or none, `CONFIG_INVALID` for a node-agent without its node.
 */
export function selectServices(asked: readonly string[], config: Config): readonly ServiceName[] {
  if (asked.length === 0)
    throw codedError('USAGE_INVALID', `name a service, or all: ${SERVICE_NAMES.join(', ')}`);
  const unknown = asked.filter(
    (name) => name !== 'all' && !(SERVICE_NAMES as readonly string[]).includes(name),
  );
  if (unknown.length > 0) {
    throw codedError(
      'USAGE_INVALID',
      `unknown service ${unknown.join(', ')}; one of all, ${SERVICE_NAMES.join(', ')}`,
    );
  }
  const hasNode = config.nodeAgent.nodeId !== undefined;
  if (asked.includes('node-agent') && !hasNode) {
    throw codedError('CONFIG_INVALID', 'node-agent needs to know its node: give --node or nodeAgent.nodeId');
  }
  const all = asked.includes('all');
  return SERVICE_NAMES.filter((name) => asked.includes(name) || (all && (name !== 'node-agent' || hasNode)));
}

/** Loads the code of these services and of no others. */
export async function loadServices(names: readonly ServiceName[]): Promise<readonly NamedService[]> {
  return Promise.all(names.map(async (name) => ({ name, service: await loaders[name]() })));
}
