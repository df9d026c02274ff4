import type { BereftTreatment, TendBereft } from '../bereft.js';
import { isSamePlace } from '../conference/home.js';
import { identityOf, type LegsBereft, type RecoveryEvent } from './events.js';
import type { Verdict } from './outcome.js';
import type { CompletedState, RestoringState } from './state.js';

/** Skipped channels behind which nobody is. */
const NOBODY: ReadonlySet<string> = new Set(['leg-not-pjsip', 'conference-rejoined']);
/** How long what is to be done with a leg is tried, ms: a node may just be out of reach. */
const PATIENCE_MS = 30_000;

/** The outcome, and what follows for the one whom it leaves alone. */
export function completed(state: RestoringState, verdict: Verdict, at: number): RecoveryEvent[] {
  const outcome: RecoveryEvent = { type: 'RecoveryCompleted', ...identityOf(state.plan), ...verdict, at };
  const bereft = bereftOf(state, at);
  return bereft === null ? [outcome] : [outcome, bereft];
}

/**
 * Who is left of a joined call when no other attempt will be made: exactly one, of us or of the conference that was to be joined.
 * Null where nobody was lost, or more than one is there.
 */
function bereftOf(state: RestoringState, at: number): LegsBereft | null {
  const { plan, attempt, legs, targetDead, takenOver } = state;
  if (plan.bereft === undefined || plan.join.kind === 'none' || targetDead || takenOver.length > 0)
    return null;
  // In the dialplan one waits in our own context for as long as there is hope, and goes on then as the dialplan says.
  if (plan.join.kind === 'dialplan' && plan.bereft.do !== 'end') return null;
  const needless = new Set(attempt.rejoined?.map(({ legId }) => legId));
  const lost =
    legs.filter((leg) => !leg.answered).length +
    plan.skipped.filter(({ legId, reason }) => !needless.has(legId) && !NOBODY.has(reason)).length;
  const target = { nodeId: attempt.target, incarnation: attempt.targetIncarnation };
  const others = (plan.conference?.others ?? [])
    .filter((part) => isSamePlace(part, target))
    .flatMap(({ channelIds }) => channelIds);
  const left = [...legs.filter((leg) => leg.answered).map(({ channelId }) => channelId), ...others];
  const [channelId] = left;
  if (lost === 0 || left.length !== 1 || channelId === undefined) return null;
  const treatment = plan.bereft;
  return {
    type: 'LegsBereft',
    ...identityOf(plan),
    attempt: attempt.attempt,
    target: target.nodeId,
    targetIncarnation: target.incarnation,
    channelId,
    bridgeId: plan.join.kind === 'ari-bridge' ? plan.join.bridgeId : null,
    treatment,
    until: treatment.do === 'hold' ? at + treatment.forMs : null,
    at,
  };
}

/** What an ari-worker has to do. */
export function tendBereftOf({ plan, bereft, bereftHeld, bereftOver }: CompletedState): TendBereft | null {
  if (bereft === undefined) return null;
  const { recoveryId, callId } = plan;
  const { attempt, target, targetIncarnation, channelId, bridgeId } = bereft;
  const isOver = bereftOver !== undefined;
  const treatment: BereftTreatment = isOver ? { do: 'end', cause: NORMAL_CLEARING } : bereft.treatment;
  return {
    type: 'TendBereft',
    commandId: `${recoveryId}-bereft-${isOver ? 'over' : 'begin'}`,
    recoveryId,
    callId,
    attempt,
    target,
    targetIncarnation,
    channelId,
    bridgeId,
    treatment,
    ...(isOver && bereftHeld !== false ? { endsHold: true } : {}),
    notAfter: (bereftOver ?? bereft.at) + PATIENCE_MS,
  };
}

/** Q.850. */
const NORMAL_CLEARING = 16;
