import { randomBytes } from 'node:crypto';
import { codedError } from '@reinvite/runtime';
import { z } from 'zod';
import { MAX_NODES, MAX_SERVICE_HOSTS, nodeNames } from './layout.js';

/** A lab's name becomes a directory, and a bare word on command lines. */
export const labName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a lab name is lower-case letters, digits and "-"');

/** Reinvite's services that do not belong to a node. */
export const CENTRAL_SERVICES = ['dialog-ledger', 'sentinel', 'recovery', 'ari-worker'] as const;
export type CentralService = (typeof CENTRAL_SERVICES)[number];

const replicas = z.number().int().min(1).max(9);

/** What a lab is to consist of. */
export const labSpec = z.strictObject({
  name: labName,
  /** Number of Asterisk nodes; 0 in a lab of `core` alone. */
  nodes: z.number().int().min(0).max(MAX_NODES),
  /** Whether Reinvite's services run in it. */
  reinvite: z.boolean(),
  /** Replicas of the services that have hosts of their own. */
  services: z.partialRecord(z.enum(CENTRAL_SERVICES), replicas),
  /** NATS servers. */
  nats: z.union([z.literal(1), z.literal(3), z.literal(5)]),
  /** Size of the file system that PostgreSQL has to itself; without it it shares the host's. */
  postgresDiskMb: z.number().int().min(64).max(4_096).optional(),
  /** Whether recovery shuns nodes that flap, and asks when too many nodes are down at once. */
  restrained: z.boolean().default(false),
  /** Whether the sentinel has a command that kills a node from outside. */
  fenceCommand: z.boolean().default(true),
  /** Whether the nodes write billing records into Postgres. */
  billing: z.boolean().default(false),
  /** Lease in ms of each node that has one. */
  leases: z.record(z.string(), z.number().int().min(3_000)).default({}),
  /** Channel variables that come back with a call. */
  variables: z.array(z.string()).default([]),
  /** Whether the wall clocks of Reinvite's services can be set. */
  settableClocks: z.boolean().default(false),
});
export type LabSpec = z.infer<typeof labSpec>;

/** What the caller of {@link startLab} may choose. */
export interface LabOptions {
  /** Default: a fresh one, so that labs never meet. */
  readonly name?: string;
  /** Asterisk nodes, 1 to {@link MAX_NODES}; default 3. */
  readonly nodes?: number;
  /** `core`: NATS and PostgreSQL, and nothing else. */
  readonly only?: 'core';
  /** Whether to migrate the database and run Reinvite's services; default true. */
  readonly reinvite?: boolean;
  /**
   * How many replicas of a service run, each on a host of its own that has the process' name (`recovery`, `recovery-2`, …),
   * so that it can be cut off alone. What is not named runs once, on `core`.
   */
  readonly services?: Readonly<Partial<Record<CentralService, number>>>;
  /** NATS servers; with 3 or 5 a cluster in which every stream has as many replicas. `nats` is on `core`, `nats-2` … are on hosts of their own. */
  readonly nats?: 1 | 3 | 5;
  /** Gives PostgreSQL a file system of that many MiB, so that it can be filled ({@link Lab.fillPostgresDisk}). */
  readonly postgresDiskMb?: number;
  /**
   * Whether Reinvite's restraints have their defaults: nodes that die again and again get no calls, and when most of them die
   * at once the operator is asked. Default: no, for a play kills what it likes.
   */
  readonly restrained?: boolean;
  /** Whether the sentinel can have a node killed that it does not reach: as by the hypervisor, or the power switch. Default: yes. */
  readonly fenceCommand?: boolean;
  /** Whether the nodes write call and event records into Postgres, with Reinvite's tables. Default: no, for each is an INSERT more. */
  readonly billing?: boolean;
  /**
   * Nodes with a lease, and how long it is, in ms (3,000 at least): such a node kills its own Asterisk when it hears of no
   * sentinel for so long. Default: none.
   */
  readonly leases?: Readonly<Record<string, number>>;
  /** Names of channel variables that come back with a call. Default: none, for Asterisk then tells the agents of every one that is set. */
  readonly variables?: readonly string[];
  /** Whether each of Reinvite's services has a wall clock that can be set ({@link Lab.setClock}). Default: no. */
  readonly settableClocks?: boolean;
  /**
   * Whose end ends the lab: by default this process, `none` for a lab that stays until `down`, or the process with this
   * id.
   */
  readonly owner?: 'none' | number;
  /** One line for each step. */
  readonly onProgress?: (line: string) => void;
  /** Abandons the start; nothing of the lab stays. */
  readonly signal?: AbortSignal;
}

/** @throws CodedError `LAB_REQUEST_INVALID` naming each wrong option. */
export function specOf(options: LabOptions): LabSpec {
  const core = options.only === 'core';
  const result = labSpec.safeParse({
    name: options.name ?? `lab-${randomBytes(4).toString('hex')}`,
    nodes: core ? 0 : (options.nodes ?? 3),
    reinvite: !core && (options.reinvite ?? true),
    services: options.services ?? {},
    nats: options.nats ?? 1,
    restrained: options.restrained ?? false,
    fenceCommand: options.fenceCommand ?? true,
    leases: options.leases ?? {},
    variables: options.variables ?? [],
    billing: options.billing ?? false,
    settableClocks: options.settableClocks ?? false,
    ...(options.postgresDiskMb === undefined ? {} : { postgresDiskMb: options.postgresDiskMb }),
  });
  if (!result.success) throw codedError('LAB_REQUEST_INVALID', z.prettifyError(result.error));
  if (!core && result.data.nodes === 0)
    throw codedError('LAB_REQUEST_INVALID', 'a lab has at least one node');
  const nodes = nodeNames(result.data.nodes);
  const unknown = Object.keys(result.data.leases).filter((node) => !nodes.includes(node));
  if (unknown.length > 0)
    throw codedError('LAB_REQUEST_INVALID', `leases: there is no node ${unknown.join(', ')}`);
  if (!result.data.reinvite && result.data.billing)
    throw codedError('LAB_REQUEST_INVALID', 'a lab without Reinvite has no tables for billing records');
  if (!result.data.reinvite && Object.keys(result.data.services).length > 0)
    throw codedError('LAB_REQUEST_INVALID', 'a lab without Reinvite has no replicas of its services');
  if (serviceHosts(result.data).length > MAX_SERVICE_HOSTS)
    throw codedError('LAB_REQUEST_INVALID', 'more replicas than addresses');
  return result.data;
}

/** Names of the replicas of something: the first has the plain name. */
export function replicaNames(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}-${index + 1}`));
}

/** Names of the hosts that have one process of Reinvite or NATS each. */
export function serviceHosts({ services, nats }: Pick<LabSpec, 'services' | 'nats'>): string[] {
  return [
    ...replicaNames('nats', nats).slice(1),
    ...CENTRAL_SERVICES.flatMap((service) => replicaNames(service, services[service] ?? 0)),
  ];
}
