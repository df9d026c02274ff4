import type { Pool } from '@reinvite/db';
import {
  decide,
  evolve,
  evolveNode,
  noHistory,
  unplanned,
  type NodeEvent,
  type PlanRecovery,
  type RecoveryReply,
  type RecoveryRequest,
  type RecoveryState,
} from '@reinvite/domain';
import type { EventStore } from '@reinvite/event-store';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import type { NodeBook } from '../nodes/node-book.js';
import { settle, type EvidenceSources } from '../planning/evidence.js';
import type { DeadNode, Planner } from '../planning/planner.js';
import type { Recoveries } from '../recoveries/recoveries.js';
import { refusal } from '../refusal.js';
import type { Restraints } from '../restraint/index.js';
import { postgresLookup, type Incarnation, type RequestLookup } from './lookup.js';
import type { RateLimit } from './rate-limit.js';
import type { Accepted, RequestLog } from './request-log.js';
import { isSurelyDead } from './standing.js';

/** A heartbeat that is older says nothing of the node as it is now. */
const FRESH_MS = 2_000;
/** How often a request is planned where something else is recorded each time meanwhile. */
const ROUNDS = 5;

export interface RequestOptions {
  readonly pool: Pool;
  /** Default: from the tables of `pool`. */
  readonly lookup?: RequestLookup;
  readonly nodeEvents: Pick<EventStore<NodeEvent>, 'readStream'>;
  readonly nodes: Pick<NodeBook, 'lately'>;
  readonly planner: Pick<Planner, 'plans' | 'beginOf'>;
  readonly evidence: EvidenceSources;
  readonly recoveries: Pick<Recoveries, 'states'>;
  readonly requests: Pick<RequestLog, 'open' | 'answered' | 'refused'>;
  readonly restraints: Pick<Restraints, 'ofRequest'>;
  readonly rate: Pick<RateLimit, 'take' | 'takeUnnamed'>;
  readonly log: Logger;
}

type Plans = Accepted['plans'];

/** `diedAt`: epoch ms, null where no death was declared. */
type DeadIncarnation = Incarnation & { readonly diedAt: number | null };

/**
 * Carries out recovery requests: the same as a crash does, for a node's calls or one of them. Only for what is surely dead:
 * two nodes never own one dialog.
 */
export class RequestHandler {
  private readonly lookup: RequestLookup;

  constructor(private readonly options: RequestOptions) {
    this.lookup = options.lookup ?? postgresLookup(options.pool);
  }

  /**
   * @throws CodedError `RECOVERY_NODE_ALIVE`, `RECOVERY_UNKNOWN_CALL`, `RECOVERY_REQUEST_INVALID`, `RECOVERY_REQUEST_RATE`,
   * `RECOVERY_STOPPED`; retryable ones where Postgres or NATS do not answer.
   */
  async handle(request: RecoveryRequest): Promise<RecoveryReply> {
    const { requests, log } = this.options;
    const at = Date.now();
    const { idempotencyKey, nodeId, callId, requestedBy, reason, dryRun } = request;
    this.options.rate.take(requestedBy);
    log.info({ idempotencyKey, nodeId, callId, requestedBy, reason, dryRun }, 'recovery requested');
    if (dryRun) return accepted(request, await this.plansFor(request, at));
    const known = await requests.open(request, at);
    if (known.reply !== null) return { ...known.reply, repeated: true };
    try {
      const reply = accepted(request, await this.plansFor(request, at));
      await requests.answered(reply, Date.now());
      return { ...reply, repeated: known.before };
    } catch (error) {
      if (isCoded(error) && error.class === 'terminal') await requests.refused(idempotencyKey);
      throw error;
    }
  }

  /** Why a request is refused. One that could not be read counts against the rate as well, or it would be the way around it. */
  refusalOf(error: unknown): ReturnType<typeof refusal> {
    if (!isCoded(error, 'MESSAGE_INVALID') && !isCoded(error, 'MESSAGE_TOO_LARGE')) return refusal(error);
    try {
      this.options.rate.takeUnnamed();
      return refusal(error);
    } catch (tooOften) {
      return refusal(tooOften);
    }
  }

  /** A death may be planned at the same time, or recovery be stopped: what was overtaken is planned again. */
  private async plansFor(request: RecoveryRequest, at: number): Promise<Plans> {
    for (let left = ROUNDS; ; left -= 1) {
      try {
        return await this.planOnce(request, at);
      } catch (error) {
        const isOvertaken = isCoded(error, 'RECOVERY_CLAIMED') || isCoded(error, 'RECOVERY_RESTRAINED');
        if (!isOvertaken || left <= 1) throw error;
      }
    }
  }

  private async planOnce(request: RecoveryRequest, at: number): Promise<Plans> {
    const { evidence } = this.options;
    // What would be done may be asked always.
    const guard = request.dryRun ? undefined : (await this.options.restraints.ofRequest()).guard;
    const settled = await settle(evidence, request.nodeId ?? 'a call', null);
    const live = await (request.nodeId === undefined
      ? this.lookup.incarnationsOfCall(request.callId ?? '')
      : this.lookup.incarnationsOfNode(request.nodeId));
    const dead = await this.surelyDead(live);
    if (dead.length === 0) return this.earlierPlans(request, live);
    const trigger: DeadNode['trigger'] = { kind: 'request', ...askedBy(request), at };
    const plans: Plans = [];
    for (const { nodeId, incarnation, diedAt } of dead) {
      const died = diedAt === null ? {} : { diedAt };
      const node: DeadNode = { nodeId, incarnation, lastFactSeq: null, trigger, ...died };
      const commands = await this.options.planner.plans(node, settled, (command) =>
        isWanted(command, request),
      );
      if (!request.dryRun) await this.options.planner.beginOf(node, commands, false, guard);
      // With those that had begun before, by a death or another request.
      plans.push(...(await this.plansOf(await this.lookup.recoveriesOf(node, request.callId))));
      if (request.dryRun) plans.push(...commands.map(planOf));
    }
    if (plans.length === 0) throw unknownCall(request);
    return plans;
  }

  /** What was done about it before; an incarnation that lives is refused instead. */
  private async earlierPlans(request: RecoveryRequest, live: readonly Incarnation[]): Promise<Plans> {
    const [alive] = live;
    if (alive !== undefined) throw nodeAlive(alive.nodeId);
    if (
      request.nodeId !== undefined &&
      this.options.nodes.lately(request.nodeId, FRESH_MS)?.asterisk === 'up'
    ) {
      throw nodeAlive(request.nodeId);
    }
    const ids = await (request.nodeId === undefined
      ? this.lookup.recoveriesOfCall(request.callId ?? '')
      : this.lookup.recoveriesOfNode(request.nodeId));
    if (ids.length === 0) throw unknownCall(request);
    return this.plansOf(ids);
  }

  private async surelyDead(incarnations: readonly Incarnation[]): Promise<DeadIncarnation[]> {
    const { nodeEvents, nodes } = this.options;
    const dead: DeadIncarnation[] = [];
    for (const one of incarnations) {
      const events = (await nodeEvents.readStream(`node-${one.nodeId}`)).map((stored) => stored.event);
      const history = events.reduce(evolveNode, noHistory);
      if (!isSurelyDead(one.incarnation, history, nodes.lately(one.nodeId, FRESH_MS))) continue;
      const declared = events.find(
        ({ type, incarnation }) => type === 'NodeDown' && incarnation === one.incarnation,
      );
      dead.push({ ...one, diedAt: declared?.at ?? null });
    }
    return dead;
  }

  private async plansOf(recoveryIds: readonly string[]): Promise<Plans> {
    return [...(await this.options.recoveries.states(recoveryIds)).values()].flatMap(planOfState);
  }
}

function isWanted({ call, legs, skipped }: PlanRecovery, { callId }: RecoveryRequest): boolean {
  return (
    callId === undefined ||
    call.callId === callId ||
    [...legs, ...skipped].some((leg) => leg.sipCallId === callId)
  );
}

function planOf(command: PlanRecovery): Plans[number] {
  const [plan] = planOfState(decide(command, unplanned).reduce(evolve, unplanned));
  if (plan === undefined) throw new RangeError('a new recovery has a plan');
  return plan;
}

function planOfState(state: RecoveryState): Plans {
  if (state.phase === 'unplanned') return [];
  const { recoveryId, callId, legs, skipped } = state.plan;
  const target =
    state.phase === 'restoring'
      ? state.attempt.target
      : state.phase === 'completed'
        ? state.legs.at(-1)?.target
        : undefined;
  const reasons = skipped.map(({ legId, reason }) => ({ legId, reason }));
  return [{ recoveryId, callId, target: target ?? null, legs: legs.length, skipped: reasons }];
}

function accepted({ idempotencyKey, dryRun }: RecoveryRequest, plans: Plans): Accepted {
  return { status: 'accepted', idempotencyKey, dryRun, repeated: false, plans };
}

function askedBy({ idempotencyKey, requestedBy, reason }: RecoveryRequest) {
  return { idempotencyKey, requestedBy, reason };
}

function nodeAlive(nodeId: string): Error {
  return codedError(
    'RECOVERY_NODE_ALIVE',
    `${nodeId} is alive, or its death is not certain: nothing of it is taken over`,
    { nodeId },
  );
}

function unknownCall({ nodeId, callId }: RecoveryRequest): Error {
  return codedError('RECOVERY_UNKNOWN_CALL', 'no call of that node, or of that id, is on record', {
    nodeId,
    callId,
  });
}
