import { z } from 'zod';
import { httpUrl } from './config-url.js';

const ms = z.number().int().positive();

/** Name of a group of nodes. */
export const groupName = z.string().regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, "_" and "-" only');

/** The group of a node that names none, and the policy of groups that have none of their own. */
export const DEFAULT_GROUP = 'default';

/** Nobody waits on the line longer; the plan itself gives up after two minutes. */
const LONGEST_HOLD_MS = 110_000;

const treatment = z.enum(['recover', 'skip']);

/** `unless-flow`: not where the application keeps its state with us, for then it goes on by itself. */
const resumeWhen = z.enum(['always', 'unless-flow', 'never']).default('unless-flow');

const Q850_NORMAL = 16;
const holdOfBereft = z.strictObject({
  /** Class of music on hold. */
  musicOnHold: z.string().min(1).default('default'),
  /** … after which it is hung up. */
  forMs: ms.max(3_600_000).default(60_000),
});

/** What is done with the one leg of a call that is left where the others cannot return; null: nothing. */
const bereft = z
  .union([
    z.enum(['leave', 'end', 'hold']),
    z.strictObject({
      end: z.strictObject({ cause: z.number().int().min(1).max(127).default(Q850_NORMAL) }),
    }),
    z.strictObject({ hold: holdOfBereft }),
    z.strictObject({
      application: z.strictObject({ app: z.string().min(1), args: z.array(z.string()).default([]) }),
    }),
    z.strictObject({
      dialplan: z.strictObject({
        context: z.string().min(1),
        extension: z.string().min(1),
        priority: z.number().int().positive().default(1),
      }),
    }),
  ])
  .default('leave')
  .transform((given) => {
    if (given === 'leave') return null;
    if (given === 'end') return { do: 'end' as const, cause: Q850_NORMAL };
    if (given === 'hold') return { do: 'hold' as const, ...holdOfBereft.parse({}) };
    if ('end' in given) return { do: 'end' as const, ...given.end };
    if ('hold' in given) return { do: 'hold' as const, ...given.hold };
    if ('application' in given) return { do: 'application' as const, ...given.application };
    return { do: 'dialplan' as const, ...given.dialplan };
  });

/** ARI's media, as Asterisk plays them to a bridge; null: silence. */
const comfort = z
  .union([z.literal('none'), z.string().regex(/^(tone|sound):[^,]+$/, '"none", "tone:…" or "sound:…"')])
  .default('none')
  .transform((media) => (media === 'none' ? null : media));

/**
 * What may be recovered of the calls of one group of nodes. docs/policy.md says what follows from each, and why the defaults
 * are as they are.
 */
export const recoveryPolicy = z.strictObject({
  confirmed: treatment.default('recover'),
  /** `end`: the phone is told at once, through the edge, that nobody will answer; `leave`: it waits for its timers. */
  early: z.enum(['end', 'leave']).default('end'),
  /** Stands here so that it can be read; nothing else is possible. */
  ended: z.literal('skip', 'a dialog that has ended cannot be recovered').default('skip'),
  /** By what a dialog's source is unsure of. */
  unsure: z
    .strictObject({
      'creation-unseen': treatment.default('skip'),
      'target-inferred': treatment.default('skip'),
      'target-refresh-open': treatment.default('skip'),
      // Advisory: the dialog itself is certain, and Asterisk's own offer does where the session is not known.
      'session-unseen': treatment.default('recover'),
      'session-open': treatment.default('recover'),
      // We know that the phone has answered, though not what was captured of it.
      'takeover-unseen': treatment.default('recover'),
    })
    .prefault({}),
  /** When not every dialog-ledger has said that it has written all that had arrived. */
  barrierMissed: treatment.default('recover'),
  /** Groups whose nodes may take the calls; its own where none is named. */
  targets: z.array(groupName).min(1).optional(),
  /** A call that has lost so many nodes, each within that time after it took the call, is given to no other. */
  crashLimit: z
    .strictObject({ nodes: z.number().int().min(1).default(3), withinMs: ms.default(120_000) })
    .prefault({}),
  /** How often a call is recovered within that time. */
  recoveryLimit: z
    .strictObject({ recoveries: z.number().int().min(1).default(10), withinMs: ms.default(3_600_000) })
    .prefault({}),
  /** What comes back of what was going on when the node died; docs/resume.md. */
  resume: z
    .strictObject({
      playback: resumeWhen,
      musicOnHold: resumeWhen,
      recording: resumeWhen,
      mute: resumeWhen,
    })
    .prefault({}),
  /** What is done with the one leg of a call that is left where the others cannot return. */
  bereft,
  /** What one who waits for the others hears meanwhile. */
  comfort,
  /** For how long after the death a call that one of these limits stops waits for an operator to release it; 0: not at all. */
  quarantineMs: z.number().int().min(0).max(LONGEST_HOLD_MS).default(60_000),
});
export type PolicyConfig = z.infer<typeof recoveryPolicy>;

/** Policies by group; `default` is for every group without one of its own. */
export const recoveryPolicies = z.record(groupName, recoveryPolicy).default({});

/** What keeps recovery from making it worse; docs/operating.md says what follows from each. */
export const restraints = {
  /** A node that dies so often within that time gets no recovered calls for that time after the last. */
  flapping: z
    .strictObject({
      crashes: z.number().int().min(2).default(2),
      withinMs: ms.max(3_600_000).default(300_000),
    })
    .prefault({}),
  /** More than that share of the nodes, and no fewer than `minNodes`, down at once: the operator is asked. */
  massFailure: z
    .strictObject({
      /** 1 is never exceeded. */
      share: z.number().min(0).max(1).default(0.5),
      minNodes: z.number().int().min(2).default(2),
      withinMs: ms.max(3_600_000).default(10_000),
      /** For how long after its node's death a call waits for the answer; 0: not at all. */
      holdMs: z.number().int().min(0).max(LONGEST_HOLD_MS).default(60_000),
    })
    .prefault({}),
  /** What one who asks for recoveries may send; each replica of recovery counts by itself. */
  requests: z
    .strictObject({
      maxBytes: z.number().int().min(256).default(16_384),
      /** By one `requestedBy`. */
      perMinute: z.number().int().min(1).default(120),
      /** By all together: a name is only claimed. */
      totalPerMinute: z.number().int().min(1).default(600),
    })
    .prefault({}),
};

/** What ARI applications may keep with us (docs/flow.md). */
export const flow = z
  .strictObject({
    /** Of one state, or of one effect's result, as JSON in UTF-8. Asterisk takes 40,960 bytes in all with which a leg comes back. */
    maxBytes: z.number().int().min(64).max(16_384).default(8_192),
    /** Of one call. */
    maxEffects: z.number().int().min(1).default(256),
  })
  .prefault({});
export type FlowConfig = z.infer<typeof flow>;

/** Billing records (table `cdr`) that an Asterisk could not write; docs/billing.md says which. */
export const billing = z
  .strictObject({
    /** `deaths`: of what died with its node; `missing`: also of answered calls that ended without a record. */
    write: z.enum(['none', 'deaths', 'missing']).default('deaths'),
    /** How long after its end a call's record counts as missing; longer than Asterisk waits for Postgres. */
    missingAfterMs: ms.min(5_000).max(3_600_000).default(60_000),
  })
  .prefault({});
export type BillingConfig = z.infer<typeof billing>;

/** An edge whose JSON-RPC ends the transactions that a dead node has left open. */
export const edges = z.array(z.strictObject({ rpcUrl: httpUrl })).default([]);

interface Grouped {
  readonly nodes: readonly { readonly id: string; readonly group: string }[];
  readonly recovery: { readonly policies: Readonly<Record<string, PolicyConfig>> };
}

/** What is wrong with the names of groups: where, and why. */
export function wrongGroups({ nodes, recovery }: Grouped): { path: (string | number)[]; message: string }[] {
  const groups = new Set(nodes.map(({ group }) => group));
  return Object.entries(recovery.policies).flatMap(([name, { targets }]) => {
    const path = ['recovery', 'policies', name];
    const unknown =
      name === DEFAULT_GROUP || groups.has(name)
        ? []
        : [{ path, message: `no node is in the group ${name}` }];
    const nowhere = (targets ?? []).flatMap((target, index) =>
      groups.has(target)
        ? []
        : [{ path: [...path, 'targets', index], message: `no node is in the group ${target}` }],
    );
    return [...unknown, ...nowhere];
  });
}

/** Groups that have no policy, neither one of their own nor `default`, in a configuration that has policies or groups. */
export function groupsWithoutPolicy({ nodes, recovery: { policies } }: Grouped): string[] {
  const groups = [...new Set(nodes.map(({ group }) => group))];
  const isPlain = Object.keys(policies).length === 0 && groups.every((group) => group === DEFAULT_GROUP);
  if (isPlain || policies[DEFAULT_GROUP] !== undefined) return [];
  return groups.filter((group) => !Object.hasOwn(policies, group));
}

/** The group of a node; of one that is not configured `default`. */
export function groupOf({ nodes }: Pick<Grouped, 'nodes'>, nodeId: string): string {
  return nodes.find(({ id }) => id === nodeId)?.group ?? DEFAULT_GROUP;
}

/** The policy for the calls of a group: its own, else `default`, else what is built in. */
export function policyOf(
  { recovery: { policies } }: Pick<Grouped, 'recovery'>,
  group: string,
): PolicyConfig & { readonly targets: readonly string[] } {
  // A group may be called `constructor`.
  const own = Object.hasOwn(policies, group) ? policies[group] : undefined;
  const policy = own ?? policies[DEFAULT_GROUP] ?? recoveryPolicy.parse({});
  return { ...policy, targets: policy.targets ?? [group] };
}
