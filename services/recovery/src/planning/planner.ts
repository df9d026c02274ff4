import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@reinvite/db';
import {
  planRecoveries,
  type Limits,
  type NodeDown,
  type PlanRecovery,
  type RecoveryPolicy,
  type Trigger,
} from '@reinvite/domain';
import { aborted } from '@reinvite/runtime';
import { closeIncarnation } from '../call-records/index.js';
import type { NodeBook } from '../nodes/node-book.js';
import type { Recoveries } from '../recoveries/recoveries.js';
import { readEvidence, settle, type EvidenceSources, type Settled } from './evidence.js';
import { pastRecoveries } from './past-recoveries.js';
import { plannedLegs } from './planned-legs.js';

/** A service that has just started waits so long for the first heartbeats before it says that there is no target. */
const FIRST_HEARTBEATS_MS = 1_500;
/** By then an agent that NATS kept waiting has told everything anew: it gives a fact up after 5 s, and tries again every 2 s. */
const LATE_FACTS_MS = 8_000;
/** How long call records that are behind are waited for after the calls that are known have been planned. */
const LATE_RECORDS_MS = 30_000;

export interface PlannerOptions extends EvidenceSources {
  /** What may be recovered of a node's calls. */
  readonly policyFor: (nodeId: string) => RecoveryPolicy;
  readonly nodes: NodeBook;
  readonly recoveries: Pick<Recoveries, 'plan'>;
  readonly signal: AbortSignal;
}

/** The incarnation whose calls are to come back, and why. */
export interface DeadNode extends Pick<NodeDown, 'nodeId' | 'incarnation' | 'lastFactSeq' | 'factsComplete'> {
  readonly trigger: Trigger;
}

/** Plans the recovery of what lived on dead incarnations. Doing so twice for one of them plans each of its calls once. */
export class Planner {
  constructor(private readonly options: PlannerOptions) {}

  /**
   * Plans all calls of a dead incarnation, and closes its call records when they are complete.
   * @throws CodedError retryable, where Postgres or NATS do not answer: to be called again.
   */
  async recoverNode(dead: DeadNode): Promise<void> {
    const { log } = this.options;
    const { nodeId, incarnation } = dead;
    const started = performance.now();
    const [settled, planned] = await Promise.all([
      settle(this.options, nodeId, dead.lastFactSeq),
      // None, save where a replica died over it, or a request came first.
      plannedLegs(this.options.pool, nodeId, incarnation),
    ]);
    const settledMs = Math.round(performance.now() - started);
    const commands = await this.plans(dead, settled, planned);
    const plannedMs = Math.round(performance.now() - started);
    const isAll = settled.factsComplete && dead.factsComplete !== false;
    const begun = await this.begin(commands, isAll ? dead : null);
    const summary = {
      nodeId,
      incarnation,
      calls: commands.length,
      begun,
      skipped: commands.filter((command) => command.legs.length === 0 || command.target === null).length,
      sinceDetectionMs: Date.now() - dead.trigger.at,
      settledMs,
      plannedMs,
      sentMs: Math.round(performance.now() - started),
    };
    log.info(summary, 'calls of a dead node are being recovered');
    if (!isAll) await this.planLateOnes(dead, settled);
  }

  private async planLateOnes(dead: DeadNode, settled: Settled): Promise<void> {
    const { bus, pool, projection, log, signal } = this.options;
    const { nodeId, incarnation, lastFactSeq, factsComplete } = dead;
    const isToldAll = factsComplete !== false;
    if (!isToldAll) await delay(LATE_FACTS_MS, undefined, { signal });
    const known = isToldAll ? lastFactSeq : null;
    const lastSeq = known ?? (await bus.streamState('callFacts')).lastSeq;
    const arrived = projection.waitUntilProjected(lastSeq, LATE_RECORDS_MS);
    await Promise.race([arrived, aborted(signal)]);
    signal.throwIfAborted();
    const planned = await plannedLegs(pool, nodeId, incarnation);
    const calls = await this.begin(await this.plans(dead, settled, planned), dead);
    if (calls > 0)
      log.warn({ nodeId, incarnation, calls }, 'calls were planned late: their records came late');
  }

  /**
   * What would be done for the calls of an incarnation.
   * @param settled how far what was told of it is readable.
   * @param without legs that are left out.
   * @throws as {@link recoverNode}.
   */
  async plans(
    dead: DeadNode,
    { ledgerHeard }: Settled,
    without: ReadonlySet<string> = new Set(),
  ): Promise<PlanRecovery[]> {
    const { pool, nodes, settings } = this.options;
    const { nodeId, incarnation, trigger } = dead;
    const { calls, dialogs } = await readEvidence(this.options, nodeId, incarnation, without);
    if (calls.length === 0) return [];
    const policy = this.options.policyFor(nodeId);
    const past = await pastRecoveries(pool, calls, trigger.at - policy.recoveryLimit.withinMs);
    const candidates = (await nodes.awaitCandidates(FIRST_HEARTBEATS_MS)).filter(
      (candidate) => candidate.nodeId !== nodeId || candidate.incarnation !== incarnation,
    );
    const limits: Limits = { maxAttempts: settings.maxAttempts, attemptTimeoutMs: settings.attemptTimeoutMs };
    return planRecoveries({
      calls,
      dialogs,
      candidates,
      trigger,
      limits,
      policy,
      ledgerHeard,
      past,
      at: Date.now(),
    });
  }

  /**
   * Begins the recoveries.
   * @param last the incarnation of which these are the last: its records are closed in the same transaction.
   * @returns how many had not begun before.
   */
  async begin(
    commands: readonly PlanRecovery[],
    last: Pick<DeadNode, 'nodeId' | 'incarnation'> | null = null,
  ): Promise<number> {
    const closing =
      last === null
        ? undefined
        : (tx: Database) => closeIncarnation(tx, last.nodeId, last.incarnation, Date.now());
    const begun = await this.options.recoveries.plan(commands, closing);
    const { log } = this.options;
    for (const { recoveryId, call, legs, skipped, target } of commands) {
      if (!begun.has(recoveryId)) continue;
      const { nodeId, callId } = call;
      log.debug(
        { nodeId, callId, recoveryId, target: target?.nodeId ?? null, legs: legs.length, skipped },
        'call planned',
      );
    }
    return begun.size;
  }
}
