import type { RecoveryPolicy, Treatment } from '@reinvite/domain';
import { groupOf, groupsWithoutPolicy, policyOf, type Config, type Logger } from '@reinvite/runtime';
import type { UnsureReason } from '@reinvite/sip';

/** The policy for the calls of a node, by its group. Without an edge that could be told, early dialogs are left to their timers. */
export function policyFor(config: Config, nodeId: string): RecoveryPolicy {
  const { bereft, comfort, ...policy } = policyOf(config, groupOf(config, nodeId));
  // Every reason that a source can give has its place in the configuration.
  const unsure: Readonly<Record<UnsureReason, Treatment>> = policy.unsure;
  return {
    ...policy,
    unsure,
    early: config.recovery.edges.length === 0 ? 'leave' : policy.early,
    ...(bereft === null ? {} : { bereft }),
    ...(comfort === null ? {} : { comfort }),
  };
}

/** Says which groups nobody has thought of. */
export function warnOfGroups(config: Config, log: Logger): void {
  const groups = groupsWithoutPolicy(config);
  if (groups.length > 0)
    log.warn({ groups }, 'groups of nodes without a recovery policy: what is built in applies to them');
}
