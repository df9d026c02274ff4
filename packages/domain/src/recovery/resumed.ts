import type { RestoreFact } from '../restore.js';
import { identityOf, type RecoveryEvent } from './events.js';
import type { RecoveryState } from './state.js';

/** What came back of what was going on, as an event, where it is news; it comes after the outcome as a rule and changes nothing. */
export function resumedEvent(
  fact: Extract<RestoreFact, { type: 'LegResumed' | 'BridgeResumed' }>,
  state: RecoveryState,
): RecoveryEvent | null {
  if (state.phase !== 'restoring' && state.phase !== 'completed') return null;
  const { restored, notRestored, at } = fact;
  const identity = identityOf(state.plan);
  if (fact.type === 'BridgeResumed') {
    const { bridgeId, attempt, target } = fact;
    if (state.bridgeResumed === true || state.legs.every((leg) => leg.attempt !== attempt)) return null;
    return { type: 'BridgeResumed', ...identity, attempt, target, bridgeId, restored, notRestored, at };
  }
  const leg = state.legs.find((one) => one.legId === fact.legId && one.channelId === fact.channelId);
  if (leg === undefined || leg.resumed === true) return null;
  const { attempt, target, legId, channelId } = leg;
  return { type: 'LegResumed', ...identity, attempt, target, legId, channelId, restored, notRestored, at };
}
