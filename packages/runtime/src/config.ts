import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { parse } from 'yaml';
import { z } from 'zod';
import { dialogSources, homer } from './config-homer.js';
import { captureIdsOf, dialogLedger, hepCaptureId } from './config-ledger.js';
import {
  billing,
  DEFAULT_GROUP,
  edges,
  flow,
  groupName,
  recoveryPolicies,
  restraints,
  wrongGroups,
} from './config-recovery.js';
import { isGivenOnce, nats, postgres, withEnvironment } from './config-secrets.js';
import { lease, sentinel } from './config-sentinel.js';
import { httpUrl } from './config-url.js';
import { codedError } from './errors.js';

const ms = z.number().int().positive();

function areDistinct(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

/** ARI of one node. The password may stand in a file (`passwordFile`), so that it need not stand here. */
const ari = z
  .strictObject({
    url: httpUrl,
    username: z.string().min(1),
    password: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
    /** PEM file of the authority that signed the node's certificate (`https`), where the system does not know it. */
    caFile: z.string().min(1).optional(),
  })
  .refine(isGivenOnce('password', 'passwordFile'), 'password and passwordFile are both given');

/** The manager interface beside the agent: what ARI does not tell of the dialplan's applications. docs/dialplan.md says what. */
const ami = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.number().int().min(1).max(65_535).default(5038),
    username: z.string().min(1).default('reinvite'),
    secret: z.string().min(1).optional(),
    secretFile: z.string().min(1).optional(),
  })
  .refine(isGivenOnce('secret', 'secretFile'), 'secret and secretFile are both given');

/** One Asterisk of the cluster. */
const node = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, "_" and "-" only: it becomes part of NATS subjects'),
  /** Nodes of one group share a recovery policy, and take each other's calls. */
  group: groupName.default(DEFAULT_GROUP),
  /** Addresses from which this node sends SIP: they tell sent messages from received ones. */
  sipAddresses: z
    .array(z.string().refine((address) => isIP(address) !== 0, 'an IP address: captures carry no names'))
    .min(1),
  ari,
  /** Capture id (or several) that this node's `hep.conf` sets; without it the node is known by its SIP address. */
  hepCaptureId: hepCaptureId.optional(),
});

const sections = z.strictObject({
  nats,
  postgres,
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info') })
    .default({ level: 'info' }),
  nodes: z
    .array(node)
    .min(1)
    .refine((nodes) => areDistinct(nodes.map(({ id }) => id)), 'two nodes have the same id')
    .refine(
      (nodes) => areDistinct(nodes.flatMap(captureIdsOf)),
      'two nodes have the same hepCaptureId: their captures could not be told apart',
    ),
  nodeAgent: z
    .strictObject({
      nodeId: z.string().min(1).optional(),
      /** File in which the local Asterisk writes its process id; the agent must see the same process table. */
      pidFile: z.string().min(1).optional(),
      heartbeatMs: ms.default(200),
      /** How often the agent asks its Asterisk whether it still answers. */
      probeMs: ms.default(250),
      /** Where Asterisk takes SIP over UDP, `address:port`; the node's first address and 5060 where it is not given. */
      sipAddress: z.string().min(1).optional(),
      /** Asterisk's control socket; `asterisk.ctl` beside the pid file where it is not given. */
      controlSocket: z.string().min(1).optional(),
      /**
       * Channel variables that come back with a call (docs/resume.md), without the underscores of inheritance. Where any is named,
       * Asterisk tells the agent of every variable that anybody sets.
       */
      variables: z
        .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/, 'the name of a variable'))
        .max(64)
        .default([]),
      ami: ami.optional(),
      lease,
    })
    .prefault({}),
  dialogLedger,
  sentinel,
  recovery: z
    .strictObject({
      /** How many ledgers answer the barrier; recovery waits for that many, or for `barrierTimeoutMs`. */
      ledgers: z.number().int().min(0).default(1),
      barrierTimeoutMs: ms.default(150),
      factsTimeoutMs: ms.default(500),
      /** How long one attempt at one leg may take before it counts as unanswered. */
      attemptTimeoutMs: ms.default(8_000),
      /** One digit: the id of a channel must not be the beginning of another's. */
      maxAttempts: z.number().int().min(1).max(9).default(2),
      /** How long a call waits for a fit node where none is there. */
      targetWaitMs: z.number().int().nonnegative().default(20_000),
      policies: recoveryPolicies,
      ...restraints,
      edges,
      flow,
      billing,
    })
    .prefault({}),
  dialogs: dialogSources,
  homer: homer.optional(),
  ariWorker: z
    .strictObject({
      /** Asterisk gives the name of a Stasis application to one connection at a time: each replica has its own. */
      workerId: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('worker-1'),
      /** Originates in flight on one node. */
      concurrency: z.number().int().min(1).default(16),
    })
    .prefault({}),
});

/** The whole configuration; each service reads its own section and the shared ones. */
export const configSchema = sections
  .refine((config) => config.dialogs.sources === 'ledger' || config.homer !== undefined, {
    path: ['homer'],
    message: 'dialogs.sources names HOMER, and nothing says where it is',
  })
  .superRefine((config, context) => {
    for (const wrong of wrongGroups(config)) context.addIssue({ code: 'custom', ...wrong });
  });

export type Config = z.infer<typeof configSchema>;
export type NodeConfig = Config['nodes'][number];
export type AmiConfig = NonNullable<Config['nodeAgent']['ami']>;
export type HomerConfig = NonNullable<Config['homer']>;

/**
 * Validates a parsed configuration and freezes it.
 * @throws CodedError `CONFIG_INVALID`, naming each wrong key.
 */
export function parseConfig(raw: unknown): Config {
  const result = configSchema.safeParse(raw);
  if (!result.success) throw codedError('CONFIG_INVALID', z.prettifyError(result.error));
  return deepFreeze(result.data);
}

/**
 * Reads a YAML configuration file, in which `${NAME}` stands for a variable of the environment.
 * @throws CodedError `CONFIG_UNREADABLE` or `CONFIG_INVALID`.
 */
export async function loadConfig(path: string): Promise<Config> {
  let raw: unknown;
  try {
    raw = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw codedError('CONFIG_UNREADABLE', `cannot read ${path}: ${firstLine(cause)}`, { path }, cause);
  }
  return parseConfig(withEnvironment(raw, process.env));
}

/** What is wrong and where; the lines after it quote the file, which may hold a password. */
function firstLine(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return line.replace(/:$/, '');
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
