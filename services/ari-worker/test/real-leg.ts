import type { LegAttempt } from '@reinvite/domain';

/** Where a leg's phone and its edge are. */
export interface RealLeg {
  readonly legId: string;
  readonly channelId: string;
  /** Address and port of the phone, address of the edge. */
  readonly phone: string;
  readonly edge: string;
}

/** A leg to a phone which believes that it has had this dialog for long. */
export function realLeg({ legId, channelId, phone, edge }: RealLeg): LegAttempt {
  const uri = `sip:phone@${phone}`;
  return {
    legId,
    channelId,
    endpoint: 'edge',
    requestUri: uri,
    variables: {
      'PJSIP_RECOVERY_CALL-ID': `call-${legId}`,
      PJSIP_RECOVERY_FROM_URI: `sip:app@${edge}`,
      PJSIP_RECOVERY_FROM_TAG: `ours-${legId}`,
      PJSIP_RECOVERY_TO_URI: uri,
      PJSIP_RECOVERY_TO_TAG: `phones-${legId}`,
      PJSIP_RECOVERY_CSEQ: '4711',
      PJSIP_RECOVERY_ROUTES: `<sip:${edge};lr>`,
      PJSIP_RECOVERY_REQUEST_URI: uri,
    },
    callerId: '',
    accountCode: '',
    language: 'en',
    continuation: { kind: 'stasis', app: 'demo', args: ['recovered', legId] },
  };
}
