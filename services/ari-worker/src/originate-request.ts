import type { Originate, OriginateTarget } from '@reinvite/ari';
import type { Continuation, LegAttempt } from '@reinvite/domain';

/**
 * ARI's originate for one attempt at a leg.
 * @param timeoutS after which an unanswered re-INVITE is cancelled
 */
export function originateRequest(leg: LegAttempt, timeoutS: number): Originate {
  return {
    channelId: leg.channelId,
    endpoint: `PJSIP/${leg.endpoint}/${leg.requestUri}`,
    target: goesOnAt(leg.continuation),
    timeoutS,
    variables: {
      ...leg.variables,
      ...(leg.accountCode === '' ? {} : { 'CHANNEL(accountcode)': leg.accountCode }),
      ...(leg.language === '' ? {} : { 'CHANNEL(language)': leg.language }),
    },
    ...(leg.callerId === '' ? {} : { callerId: leg.callerId }),
  };
}

function goesOnAt(continuation: Continuation): OriginateTarget {
  switch (continuation.kind) {
    case 'stasis':
      return { app: continuation.app, appArgs: continuation.args };
    case 'dialplan': {
      const { context, extension, priority } = continuation;
      return { context, extension, priority };
    }
  }
}
