import type { LegAttempt, RestoreCall } from '@reinvite/domain';
import { INCARNATION } from './fake-asterisk.js';

/** One attempt at a leg. */
export function leg(channelId: string): LegAttempt {
  return {
    legId: `leg-${channelId}`,
    channelId,
    endpoint: 'edge',
    requestUri: 'sip:alice@10.0.0.9:5060;alias=10.0.0.9~5060~1',
    variables: { 'PJSIP_RECOVERY_CALL-ID': 'abc', PJSIP_RECOVERY_CSEQ: '3' },
    callerId: '"Alice" <100>',
    accountCode: 'acme',
    language: '',
    continuation: { kind: 'stasis', app: 'demo', args: ['recovered', 'abc'] },
  };
}

/** For one leg, by default. */
export function command(more: Partial<RestoreCall> = {}): RestoreCall {
  return {
    type: 'RestoreCall',
    commandId: 'r1-1',
    recoveryId: 'r1',
    callId: 'abc',
    attempt: 1,
    target: 'ast2',
    targetIncarnation: INCARNATION,
    legs: [leg('c1')],
    join: { kind: 'none' },
    notAfter: 1_000,
    ...more,
  };
}

/** What makes it a command for two that talk with each other. */
export const pair: Pick<RestoreCall, 'legs' | 'join'> = {
  legs: [leg('c1'), leg('c2')],
  join: { kind: 'ari-bridge', bridgeId: 'b1', bridgeType: 'mixing', name: '' },
};
