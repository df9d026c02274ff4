import type { Call, CallLeg } from '../call/call.js';
import type { Candidate } from '../placement/candidate.js';
import { chooseTarget, withLoad } from '../placement/choose-target.js';
import type { PlanRecovery } from './commands.js';
import { assessLeg, callIdsShared, type DialogViews, type Verdict } from './eligibility.js';
import type { Limits, PlannedLeg, SkippedLeg, Trigger } from './events.js';
import { recoveryIdOf } from './ids.js';

export interface PlanInput {
  readonly calls: readonly Call[];
  readonly dialogs: DialogViews;
  readonly candidates: readonly Candidate[];
  readonly trigger: Trigger;
  readonly limits: Limits;
  /** Epoch ms. */
  readonly at: number;
}

/** So long after a crash nobody waits on the line any more; an operator's request has no such limit. */
export const MAX_AGE_MS = 120_000;

/** One `PlanRecovery` for each call of a dead incarnation: what of it can come back, and where. Every call is placed whole. */
export function planRecoveries(input: PlanInput): PlanRecovery[] {
  const { trigger, limits, at } = input;
  const shared = callIdsShared(input.calls);
  const tooLate = trigger.kind === 'node-down' && at - trigger.at > MAX_AGE_MS;
  let candidates = input.candidates;
  return input.calls.map((call): PlanRecovery => {
    const { legs, skipped } = divide(call, (leg) => {
      const verdict = assessLeg(call, leg, input.dialogs, shared);
      return verdict.eligible && tooLate ? { eligible: false, reason: 'too-late' } : verdict;
    });
    const target = legs.length === 0 ? null : chooseTarget(candidates, new Set());
    if (target !== null) candidates = withLoad(candidates, target.nodeId, legs.length);
    const recoveryId = recoveryIdOf(call.nodeId, call.incarnation, call.callId);
    return { type: 'PlanRecovery', recoveryId, call, legs, skipped, target, trigger, limits, at };
  });
}

function divide(call: Call, assess: (leg: CallLeg) => Verdict) {
  const legs: PlannedLeg[] = [];
  const skipped: SkippedLeg[] = [];
  for (const leg of call.legs) {
    const verdict = assess(leg);
    if (verdict.eligible) legs.push(plannedLeg(leg, verdict.variables));
    else
      skipped.push({
        legId: leg.legId,
        sipCallId: leg.record.sipCallId,
        endpoint: leg.record.endpoint,
        reason: verdict.reason,
      });
  }
  for (const legId of call.strangers)
    skipped.push({ legId, sipCallId: '', endpoint: '', reason: 'leg-not-pjsip' });
  return { legs, skipped };
}

function plannedLeg({ legId, record, place }: CallLeg, dialog: Readonly<Record<string, string>>): PlannedLeg {
  const { sipCallId, endpoint, caller, accountCode, language } = record;
  return {
    legId,
    sipCallId,
    endpoint,
    place,
    dialog: { ...dialog },
    callerId: callerIdOf(caller),
    accountCode,
    language,
  };
}

/** `"name" <number>`, as Asterisk parses it. */
function callerIdOf({ name, number }: { readonly name: string; readonly number: string }): string {
  const plain = (text: string): string => text.replace(/["<>\\]/g, '').trim();
  if (plain(name) === '' && plain(number) === '') return '';
  return `"${plain(name)}" <${plain(number)}>`;
}
