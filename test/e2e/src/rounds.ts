import {
  byeOf,
  judge,
  phonesOf,
  reinvitesAfter,
  type CallPlan,
  type Crash,
  type Observation,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import type pg from 'pg';
import { recoveriesOf, type RecoveryRow } from './record.js';

/** For so long after its re-INVITE a phone is listened to, where it talks so long. */
export const LISTEN_MS = 5_000;
/** The last packets and the BYE race each other. */
const END_MS = 100;

/** What the phones say of one call that was on a node when that died. */
export interface RoundVerdict {
  readonly kind: CallPlan['kind'];
  /** Why it did not come back as it should; empty where it did. */
  readonly reasons: readonly string[];
}

/**
 * What became of the calls of one death, in the order in which they were made. A play of several rounds judges each by its own
 * death. A call that comes back late, after a person was asked, has to be heard then too.
 */
export function verdictsOf(seen: Observation, crash: Crash): RoundVerdict[] {
  const mute = mutePhones(seen, crash);
  return judge(seen.calls, crash, seen.voice).map(({ kind, phones, reasons }) => ({
    kind,
    reasons: [
      ...reasons,
      ...phones.flatMap(({ role, callId }) => (mute.has(callId) ? [`${role}: it stays silent`] : [])),
    ],
  }));
}

/** The verdicts on calls that came back as they should. */
export function cameBack(plans: readonly CallPlan[]): RoundVerdict[] {
  return plans.map(({ kind }) => ({ kind, reasons: [] }));
}

/** What the audit says of all calls of all deaths of a node, once none is under way. */
export function outcomesOf(db: pg.Pool, node: string): Promise<RecoveryRow[]> {
  return eventually(`the outcomes of ${node}`, async () => {
    const rows = await recoveriesOf(db, node);
    return rows.every(({ outcome }) => outcome !== 'under way') && rows;
  });
}

/** Call-IDs of phones that answered a re-INVITE and heard nothing afterwards. */
function mutePhones({ calls, voice }: Observation, crash: Crash): ReadonlySet<string> {
  const phones = calls.flatMap(phonesOf).filter((phone) => {
    const back = reinvitesAfter(phone, crash.at).find(({ answer }) => answer?.status === 200);
    if (back === undefined) return false;
    const until = Math.min(back.at + LISTEN_MS, (byeOf(phone)?.at ?? Infinity) - END_MS);
    return until > back.at && [...phone.rtpPorts].every((port) => voice.count(port, back.at, until) === 0);
  });
  return new Set(phones.map(({ callId }) => callId));
}
