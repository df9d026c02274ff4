import type { TakenFrom } from '../call/call.js';
import type { LegProgress } from './state.js';

/** How far apart the CSeqs of two attempts are. */
const CSEQ_STRIDE = 1_000;
/** RFC 3261 section 8.1.1.5. */
const CSEQ_LIMIT = 2 ** 31 - 1;

const STREAMS = 'PJSIP_RECOVERY_SDP_STREAMS';

/** `PJSIP_RECOVERY_*` of a dialog. */
type Variables = Readonly<Record<string, string>>;

/**
 * What the attempt's re-INVITE says of the dialog. Each attempt has a CSeq above all that those before may have used, for
 * credentials, PRACK and the like too, and a version of our SDP above theirs (RFC 3264 section 8).
 */
export function dialogOfAttempt(
  dialog: Variables,
  { attempt, plainOffer }: Pick<LegProgress, 'attempt' | 'plainOffer'>,
): Variables {
  const { PJSIP_RECOVERY_CSEQ: cseq, PJSIP_RECOVERY_SDP_ORIGIN: origin } = dialog;
  const kept = Object.entries(dialog).filter(([name]) => !plainOffer || name !== STREAMS);
  return {
    ...Object.fromEntries(kept),
    ...(cseq === undefined ? {} : { PJSIP_RECOVERY_CSEQ: cseqOfAttempt(cseq, attempt) }),
    ...(origin === undefined ? {} : { PJSIP_RECOVERY_SDP_ORIGIN: originOf(origin, attempt) }),
  };
}

/** The dialog after an attempt at it that succeeded and that its source has not seen. */
export function dialogAfter(dialog: Variables, { attempt, cseq }: Omit<TakenFrom, 'nodeId'>): Variables {
  const next = dialogOfAttempt(dialog, { attempt: attempt + 1, plainOffer: false });
  const above = Math.min(cseq + CSEQ_STRIDE, CSEQ_LIMIT);
  return { ...next, PJSIP_RECOVERY_CSEQ: String(Math.max(above, Number(next.PJSIP_RECOVERY_CSEQ ?? 0))) };
}

/** The CSeq that the re-INVITE of an attempt carries, from the planned one; decimal. */
export function cseqOfAttempt(planned: string, attempt: number): string {
  if (attempt === 1 || !/^\d+$/.test(planned)) return planned;
  return String(Math.min(Number(planned) + CSEQ_STRIDE * (attempt - 1), CSEQ_LIMIT));
}

/** `<session id> <version>`, and perhaps more. */
function originOf(planned: string, attempt: number): string {
  const [, sessionId = '', version = '', rest = ''] = /^(\S+) (\d+)(.*)$/.exec(planned) ?? [];
  return version === '' ? planned : `${sessionId} ${BigInt(version) + BigInt(attempt - 1)}${rest}`;
}
