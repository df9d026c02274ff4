import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@reinvite/db';
import {
  historySince,
  planRecoveries,
  recoveryOfChannel,
  type Limits,
  type NodeDown,
  type PlanInput,
  type PlanRecovery,
  type RecoveryPolicy,
  type Trigger,
} from '@reinvite/domain';
import { unlessAborted } from '@reinvite/runtime';
import type { Dialog } from '@reinvite/sip';
import type { NodeBook } from '../nodes/node-book.js';
import type { InTransaction } from '../recoveries/journal.js';
import type { Recoveries } from '../recoveries/recoveries.js';
import type { Held, Restraints } from '../restraint/index.js';
import { claimOf } from './claim.js';
import { clarify } from './clarify.js';
import { compareSources } from './compare-sources.js';
import { readEvidence, settle, type EvidenceSources, type Settled } from './evidence.js';
import type { Planned } from './planned.js';
import { readsOf } from './reads.js';
import { replan } from './replan.js';
import { divideByDoubt, type Unclear } from './unclear.js';

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
  readonly recoveries: Pick<Recoveries, 'plan' | 'tell'>;
  /** What holds recovery back as a whole; nothing where it is absent. */
  readonly restraints?: Pick<Restraints, 'of'>;
  readonly signal: AbortSignal;
}

/** The incarnation whose calls are to come back, and why. */
export interface DeadNode extends Pick<NodeDown, 'nodeId' | 'incarnation' | 'lastFactSeq' | 'factsComplete'> {
  readonly trigger: Trigger;
  /** Epoch ms; default: when the trigger was pulled. */
  readonly diedAt?: number;
}

/** What is known of an incarnation from the first source of dialogs, and what would be done on that alone. */
interface Draft {
  readonly clear: readonly PlanRecovery[];
  /** To be planned again when HOMER has been asked. Empty where there is none to ask. */
  readonly unclear: readonly Unclear[];
  readonly input: PlanInput | null;
  readonly guard: InTransaction | undefined;
  readonly found: ReadonlyMap<string, readonly Dialog[]>;
}

const NOTHING: Draft = { clear: [], unclear: [], input: null, guard: undefined, found: new Map() };

/** Plans the recovery of what lived on dead incarnations. Doing so twice for one of them plans each of its calls once. */
export class Planner {
  constructor(private readonly options: PlannerOptions) {}

  /**
   * Plans all calls of a dead incarnation, and closes its call records when they are complete. Calls whose dialogs are known
   * are begun at once; the others when HOMER has told, or has not.
   * @param whenPlanned called once no leg that is known to have come back by us on this incarnation is without a plan. Records
   * that come late are not waited for: recoveries whose target this was would give their legs up meanwhile.
   * @throws CodedError retryable, where Postgres or NATS do not answer: to be called again.
   */
  async recoverNode(dead: DeadNode, whenPlanned: () => Promise<void> = async () => undefined): Promise<void> {
    const { log } = this.options;
    const { nodeId, incarnation } = dead;
    const started = performance.now();
    const [settled, planned, held] = await Promise.all([
      settle(this.options, nodeId, dead.lastFactSeq),
      // None, save where a replica died over it, or a request came first.
      readsOf(this.options).planned(nodeId, incarnation),
      this.restraint(dead),
    ]);
    const settledMs = Math.round(performance.now() - started);
    const draft = await this.draft(dead, settled, planned, held);
    const plannedMs = Math.round(performance.now() - started);
    const isAll = isToldWhole(dead, settled);
    const { unclear, guard } = draft;
    // What facts that are still to come may show otherwise is not given up before they have been waited for.
    const clear = isAll ? draft.clear : draft.clear.filter(({ legs }) => legs.length > 0);
    const begun = await this.beginOf(dead, clear, isAll && unclear.length === 0, guard);
    const summary = {
      nodeId,
      incarnation,
      calls: clear.length + unclear.length,
      begun,
      waiting: unclear.length,
      skipped: clear.filter((command) => command.legs.length === 0 || command.target === null).length,
      sinceDetectionMs: Date.now() - dead.trigger.at,
      settledMs,
      plannedMs,
      sentMs: Math.round(performance.now() - started),
    };
    log.info(summary, 'calls of a dead node are being recovered');
    const isEarly = !unclear.some(({ command }) => hasLegOfOurs(command));
    const tellTargeted = async (): Promise<void> => {
      await whenPlanned();
      await this.planAnsweredMeanwhile(dead, settled, isAll);
    };
    if (isEarly) await tellTargeted();
    if (unclear.length > 0) await this.beginUnclear(dead, draft, isAll);
    if (!isAll) await this.planLateOnes(dead, settled);
    if (!isEarly) await tellTargeted();
    await this.compare(dead, draft);
  }

  /** For the audit alone: nothing depends on it. */
  private async compare(dead: DeadNode, { clear, found }: Draft): Promise<void> {
    const { sources, recoveries, log, signal } = this.options;
    if (sources.homer === null || !sources.compare) return;
    const { nodeId, incarnation, trigger } = dead;
    const sure = { commands: clear, dialogs: found, nodeId, diedAt: dead.diedAt ?? trigger.at };
    try {
      const noted = await compareSources(sources.homer, sure);
      const at = Date.now();
      await recoveries.tell(
        noted.map(({ recoveryId, disagreements }) => ({
          recoveryId,
          command: { type: 'NoteDisagreements', disagreements, at },
        })),
      );
      if (noted.length > 0)
        log.warn({ nodeId, incarnation, calls: noted.length }, 'the ledger and HOMER do not say the same');
    } catch (err) {
      if (!signal.aborted) log.warn({ err, nodeId, incarnation }, 'the ledger was not compared with HOMER');
    }
  }

  private async beginUnclear(dead: DeadNode, draft: Draft, isAll: boolean): Promise<void> {
    const { nodeId, incarnation, trigger } = dead;
    const commands = await this.clarified(dead, draft);
    const begun = await this.beginOf(dead, commands, isAll, draft.guard);
    const summary = {
      nodeId,
      incarnation,
      calls: commands.length,
      begun,
      skipped: commands.filter((command) => command.legs.length === 0).length,
      waitedMs: commands[0]?.waitedFor?.ms,
      sinceDetectionMs: Date.now() - trigger.at,
    };
    this.options.log.info(summary, 'calls that waited for HOMER are being recovered');
  }

  /**
   * A phone may have answered after it was looked for what had come back, and before the recoveries that had brought it there were
   * told of the death: one of these that has ended so goes on with nothing, and its call is planned here.
   */
  private async planAnsweredMeanwhile(dead: DeadNode, settled: Settled, isAll: boolean): Promise<void> {
    const { nodeId, incarnation } = dead;
    const [planned, unheard] = await Promise.all([
      readsOf(this.options).planned(nodeId, incarnation),
      readsOf(this.options).unheard(nodeId, incarnation),
    ]);
    if (unheard.every(({ record }) => planned.legIds.has(record.channelId))) return;
    const draft = await this.draft(dead, settled, planned, await this.restraint(dead));
    const clarified = isAll ? await this.clarified(dead, draft) : [];
    // As of the first plans: what is not known yet is not given up.
    const commands = [...draft.clear, ...clarified].filter(({ legs }) => isAll || legs.length > 0);
    const calls = await this.beginOf(dead, commands, false, draft.guard);
    this.options.log.info(
      { nodeId, incarnation, calls },
      'calls that came back at the last moment are planned',
    );
  }

  private async planLateOnes(dead: DeadNode, settled: Settled): Promise<void> {
    const { bus, projection, log, signal } = this.options;
    const { nodeId, incarnation, lastFactSeq, factsComplete } = dead;
    const isToldAll = factsComplete !== false;
    if (!isToldAll) await delay(LATE_FACTS_MS, undefined, { signal });
    const known = isToldAll ? lastFactSeq : null;
    const lastSeq = known ?? (await bus.streamState('callFacts')).lastSeq;
    const arrived = projection.waitUntilProjected(lastSeq, LATE_RECORDS_MS);
    await unlessAborted(arrived, signal);
    signal.throwIfAborted();
    const planned = await readsOf(this.options).planned(nodeId, incarnation);
    const draft = await this.draft(dead, settled, planned, await this.restraint(dead));
    const isClear = draft.unclear.length === 0;
    let calls = await this.beginOf(dead, draft.clear, isClear, draft.guard);
    if (!isClear) calls += await this.beginOf(dead, await this.clarified(dead, draft), true, draft.guard);
    if (calls > 0)
      log.warn({ nodeId, incarnation, calls }, 'calls were planned late: their records came late');
  }

  /**
   * What would be done for calls of an incarnation that have no recovery yet, when all sources have been asked.
   * @param settled how far what was told of it is readable.
   * @param isWanted which plans are asked for; default: all.
   * @throws as {@link recoverNode}.
   */
  async plans(
    dead: DeadNode,
    settled: Settled,
    isWanted: (command: PlanRecovery) => boolean = () => true,
  ): Promise<PlanRecovery[]> {
    const planned = await readsOf(this.options).planned(dead.nodeId, dead.incarnation);
    const draft = await this.draft(dead, settled, planned, undefined);
    const unclear = draft.unclear.filter(({ command }) => isWanted(command));
    const clarified = await this.clarified(dead, { ...draft, unclear });
    return [...draft.clear.filter(isWanted), ...clarified];
  }

  private async draft(
    dead: DeadNode,
    settled: Settled,
    planned: Planned,
    held: Held | undefined,
  ): Promise<Draft> {
    const { settings, sources } = this.options;
    const { nodeId, incarnation, trigger } = dead;
    const { calls, dialogs, flows, found } = await readEvidence(this.options, nodeId, incarnation, planned);
    if (calls.length === 0) return NOTHING;
    const policy = this.options.policyFor(nodeId);
    const reads = readsOf(this.options);
    const known = calls.flatMap(({ conference: one }) =>
      one === undefined || one.kind === 'queue' ? [] : one,
    );
    const groups = policy.targets;
    const [past, conferences] = await Promise.all([
      reads.past(calls, historySince(trigger, policy)),
      reads.conferences?.({ nodeId, incarnation, conferences: known, groups }) ?? new Map<string, never>(),
    ]);
    const candidates = await this.candidates(dead);
    const { maxAttempts, attemptTimeoutMs, targetWaitMs } = settings;
    const limits: Limits = { maxAttempts, attemptTimeoutMs, targetWaitMs };
    const at = Date.now();
    const restrained = held?.restraint === undefined ? {} : { restraint: held.restraint };
    const input = {
      calls,
      dialogs,
      flows,
      candidates,
      trigger,
      limits,
      policy,
      ledgerHeard: settled.ledgerHeard,
      past,
      conferences,
      recordsComplete: isToldWhole(dead, settled),
      at,
      ...(dead.diedAt === undefined ? {} : { diedAt: dead.diedAt }),
      ...restrained,
    };
    const guard = held?.guard;
    const commands = planRecoveries(input);
    if (sources.homer === null) return { clear: commands, unclear: [], input, guard, found };
    return { ...divideByDoubt(commands, input), input, guard, found };
  }

  /** The plans of what was unclear, after HOMER has been asked. */
  private async clarified(dead: DeadNode, { unclear, input }: Draft): Promise<PlanRecovery[]> {
    const { pool, sources } = this.options;
    if (unclear.length === 0 || input === null || sources.homer === null) return [];
    const legs = unclear.flatMap((one) => one.legs);
    const ledger = sources.ledger === null ? null : pool;
    const diedAt = dead.diedAt ?? dead.trigger.at;
    const clarified = await clarify(sources.homer, ledger, legs, diedAt);
    const fresh = { ...input, candidates: await this.candidates(dead), at: Date.now() };
    return replan(fresh, unclear, clarified);
  }

  private async restraint({ nodeId, incarnation, trigger }: DeadNode): Promise<Held | undefined> {
    return this.options.restraints?.of({ nodeId, incarnation, at: trigger.at });
  }

  private async candidates({ nodeId, incarnation }: DeadNode): Promise<PlanInput['candidates']> {
    const all = await this.options.nodes.awaitCandidates(FIRST_HEARTBEATS_MS);
    return all.filter((candidate) => candidate.nodeId !== nodeId || candidate.incarnation !== incarnation);
  }

  /**
   * Begins recoveries of a dead incarnation's calls, where nobody else has begun one of a leg of theirs since they were planned.
   * @param isAll its call records are closed with them.
   * @param guard further conditions, asked in the same transactions.
   * @returns how many had not begun before.
   * @throws CodedError `RECOVERY_CLAIMED` where somebody has, `RECOVERY_RESTRAINED`: to be planned again.
   */
  beginOf(
    { nodeId, incarnation }: DeadNode,
    commands: readonly PlanRecovery[],
    isAll: boolean,
    guard: InTransaction | undefined,
  ): Promise<number> {
    const guardOf = (chunk: readonly PlanRecovery[]): InTransaction => {
      const claimed = claimOf(chunk);
      return async (tx) => {
        await guard?.(tx);
        await readsOf(this.options).claim(tx, nodeId, incarnation, claimed);
      };
    };
    return this.begin(commands, isAll ? { nodeId, incarnation } : null, guardOf);
  }

  private async begin(
    commands: readonly PlanRecovery[],
    last: Pick<DeadNode, 'nodeId' | 'incarnation'> | null,
    guardOf: (commands: readonly PlanRecovery[]) => InTransaction,
  ): Promise<number> {
    const closing =
      last === null
        ? undefined
        : (tx: Database) => readsOf(this.options).close(tx, last.nodeId, last.incarnation, Date.now());
    const begun = await this.options.recoveries.plan(commands, closing, guardOf);
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

/** Whether the call records have all that the node's agent had to tell. */
function isToldWhole(
  dead: Pick<DeadNode, 'factsComplete'>,
  { factsComplete }: Pick<Settled, 'factsComplete'>,
): boolean {
  return factsComplete && dead.factsComplete !== false;
}

function hasLegOfOurs({ legs, skipped }: PlanRecovery): boolean {
  return [...legs, ...skipped].some(({ legId }) => recoveryOfChannel(legId) !== null);
}
