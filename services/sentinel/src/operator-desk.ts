import { subjects, type Bus } from '@reinvite/bus';
import {
  askSentinelStatus,
  declareDown,
  type DeclareDown,
  type DeclareDownReply,
  type SentinelStatus,
} from '@reinvite/domain';
import { isCoded, type ErrorCode } from '@reinvite/runtime';
import type { Council } from './agreement/council.js';
import { isRecordedSoon } from './attend.js';
import type { NodeGuard } from './node-guard.js';

export interface DeskOptions {
  readonly bus: Pick<Bus, 'respond'>;
  readonly sentinelId: string;
  /** A node with a sign of life that is younger than this, ms, is not declared down. */
  readonly freshMs: number;
  /** For how long, ms, this sentinel has been able to hear; 0 while it cannot. */
  readonly hearsForMs: () => number;
  readonly council: Pick<Council, 'isAlone' | 'objectors'>;
  readonly guards: ReadonlyMap<string, NodeGuard>;
}

/** Answers operators: how the nodes stand, and that one is dead of which nobody else can be sure. */
export function openDesk(options: DeskOptions): void {
  const { bus } = options;
  bus.respond(
    subjects.operatorNode,
    declareDown,
    (request) => onDeclareDown(request, options),
    (error) => refuse('MESSAGE_INVALID', isCoded(error) ? error.message : 'the sentinel failed'),
  );
  bus.respond(
    subjects.sentinelStatus,
    askSentinelStatus,
    async () => statusOf(options),
    () => ({}),
  );
}

/**
 * A person's word stands in for a fence that nobody can confirm; it does not stand against the node's own sign of life, for its
 * calls would be torn out of an Asterisk that has them. Who has heard nothing because it cannot hear knows of no sign, and another
 * sentinel may.
 */
async function onDeclareDown(request: DeclareDown, options: DeskOptions): Promise<DeclareDownReply> {
  const { nodeId, requestedBy, reason } = request;
  const guard = options.guards.get(nodeId);
  const current = guard?.history.current ?? null;
  if (guard === undefined || current === null)
    return refuse('RECOVERY_UNKNOWN_CALL', `nothing was ever heard of a node ${nodeId}`);
  const { incarnation, standing } = current;
  const objection = standing === 'down' ? undefined : await objectionTo(guard, incarnation, options);
  if (objection !== undefined) return refuse('RECOVERY_NODE_ALIVE', objection);
  guard.observe({ kind: 'declared-down', requestedBy, reason });
  if (!(await isRecordedSoon(guard)))
    return refuse('POSTGRES_UNREACHABLE', 'not recorded yet; it will be once Postgres answers');
  return { status: 'accepted', nodeId, incarnation };
}

/** @returns why the node is not to be declared down. */
async function objectionTo(
  guard: NodeGuard,
  incarnation: string,
  { freshMs, hearsForMs, council }: DeskOptions,
): Promise<string | undefined> {
  const { nodeId } = guard;
  if (hearsForMs() < freshMs)
    return 'this sentinel cannot hear, or could not a moment ago: it does not know how the node is';
  const objectors = await council.objectors(nodeId, incarnation);
  if (objectors.length > 0) return `${objectors.join(', ')} suspects nothing of ${nodeId}`;
  const quietMs = guard.quietMs();
  return quietMs < freshMs ? `${nodeId} gave a sign of life ${Math.round(quietMs)} ms ago` : undefined;
}

function statusOf({ sentinelId, council: { isAlone }, guards }: DeskOptions): SentinelStatus {
  const nodes = [...guards].map(([nodeId, { history }]) => ({
    nodeId,
    incarnation: history.current?.incarnation ?? null,
    standing: history.current?.standing ?? 'unknown',
  }));
  return { type: 'SentinelStatus', sentinelId, alone: isAlone, nodes };
}

function refuse(code: ErrorCode, message: string): DeclareDownReply {
  return { status: 'refused', code, message };
}
