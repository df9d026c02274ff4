import { RECOVERED_CONTEXT } from '../call/call.js';
import { recoveredArgs } from '../flow.js';
import type { Continuation, LegAttempt, RestoreCall } from '../restore.js';
import { dialogOfAttempt } from './dialog-of-attempt.js';
import type { PlannedLeg } from './events.js';
import { commandIdOf } from './ids.js';
import { extensionOf, placeVariables } from './place-variables.js';
import type { LegProgress, Plan, RestoringState } from './state.js';

/** The command for the attempt that is under way. */
export function restoreCallOf(state: RestoringState): RestoreCall {
  const { plan, attempt } = state;
  const current = new Map(
    state.legs.filter((leg) => leg.attempt === attempt.attempt).map((leg) => [leg.legId, leg]),
  );
  return {
    type: 'RestoreCall',
    commandId: commandIdOf(plan.recoveryId, attempt.attempt),
    recoveryId: plan.recoveryId,
    callId: plan.callId,
    attempt: attempt.attempt,
    target: attempt.target,
    targetIncarnation: attempt.targetIncarnation,
    legs: plan.legs.flatMap((leg) => {
      const progress = current.get(leg.legId);
      return progress === undefined ? [] : [legAttemptOf(plan, leg, progress)];
    }),
    ...(attempt.rejoined === undefined ? {} : { hangUp: attempt.rejoined.map(({ channelId }) => channelId) }),
    join: plan.join,
    ...(plan.comfort === undefined ? {} : { comfort: plan.comfort }),
    ...(plan.bridgeResume === undefined || state.bridgeGoesOn === true
      ? {}
      : { bridgeResume: plan.bridgeResume }),
    ...holdingOf(state),
    notAfter: attempt.notAfter,
  };
}

function legAttemptOf(plan: Plan, leg: PlannedLeg, progress: LegProgress): LegAttempt {
  const { legId, endpoint, callerId, accountCode, language } = leg;
  const { channelId } = progress;
  const dialog = dialogOfAttempt(leg.dialog, progress);
  return {
    legId,
    channelId,
    endpoint,
    requestUri: dialog.PJSIP_RECOVERY_REQUEST_URI ?? '',
    variables: {
      ...leg.resume?.variables,
      ...dialog,
      REINVITE_CALL_ID: plan.callId,
      REINVITE_RECOVERY_ID: plan.recoveryId,
      ...linkageVariables(plan),
      ...holdVariables(leg),
      ...placeVariables(leg.place, plan.legs.length === 1, plan.trigger.at),
    },
    callerId,
    accountCode,
    language,
    continuation: continuationOf(leg, plan.callId),
    ...(leg.resume === undefined ? {} : { resume: leg.resume }),
  };
}

/** Legs that are back already and whose phones hold; in the dialplan their own variables say so. */
function holdingOf({ plan, attempt, legs }: RestoringState): Pick<RestoreCall, 'holding'> {
  if (plan.join.kind !== 'ari-bridge') return {};
  const holding = plan.legs.flatMap(({ legId, resume }) => {
    const back = legs.find((leg) => leg.legId === legId && leg.answered && leg.target === attempt.target);
    if (back === undefined || back.attempt === attempt.attempt || resume?.holds === undefined) return [];
    return [{ channelId: back.channelId, musicClass: resume.holds.musicClass }];
  });
  return holding.length === 0 ? {} : { holding };
}

/** Read by `RecoveryBridge`; in an ARI bridge the worker sees to it. */
function holdVariables({ place, resume }: PlannedLeg): Record<string, string> {
  const holds = resume?.holds;
  if (holds === undefined || (place.kind !== 'dial-caller' && place.kind !== 'dial-callee')) return {};
  return {
    REINVITE_HOLDS: '1',
    ...(holds.musicClass === '' ? {} : { REINVITE_HOLD_MUSIC: holds.musicClass }),
  };
}

function continuationOf({ place, flow }: PlannedLeg, callId: string): Continuation {
  switch (place.kind) {
    case 'stasis':
      return { kind: 'stasis', app: place.app, args: recoveredArgs(callId, flow) };
    case 'dialplan': {
      const extension = extensionOf(place);
      return extension === null
        ? { kind: 'dialplan', context: place.context, extension: place.extension, priority: place.priority }
        : { kind: 'dialplan', context: RECOVERED_CONTEXT, extension, priority: 1 };
    }
    case 'dial-caller':
    case 'dial-callee':
      return { kind: 'dialplan', context: RECOVERED_CONTEXT, extension: place.kind, priority: 1 };
    case 'nowhere':
      // Legs without a place are skipped by the plan; should one come here, the dialplan ends it at once.
      return { kind: 'dialplan', context: RECOVERED_CONTEXT, extension: 'h', priority: 1 };
  }
}

/**
 * The call's first `linkedid`. Not into the call detail record: Asterisk sets its variables through the queue of its CDR engine, and
 * a re-INVITE would wait there for a database that does not answer.
 */
function linkageVariables({ linkedId }: Plan): Record<string, string> {
  return linkedId === undefined ? {} : { REINVITE_LINKEDID: linkedId };
}
