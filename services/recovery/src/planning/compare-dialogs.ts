import type { Disagreement } from '@reinvite/domain';
import { dialogKey, type Dialog } from '@reinvite/sip';

/** What a re-INVITE is made of, and what decides whether there is one. */
const COMPARED = [
  'role',
  'state',
  'local',
  'remote',
  'localCSeq',
  'remoteCSeq',
  'routeSet',
  'remoteTarget',
  'transport',
  'localSession',
  'remoteSession',
  'sessionTimer',
] as const satisfies readonly (keyof Dialog)[];

/**
 * What two sources do not say alike of the dialogs that both have. That one of them lacks a dialog is no disagreement: it
 * has not seen it.
 */
export function compareDialogs(
  ledger: readonly Dialog[],
  homer: readonly Dialog[],
): Omit<Disagreement, 'legId'>[] {
  const byKey = new Map(homer.map((dialog) => [dialogKey(dialog), dialog]));
  return ledger.flatMap((one) => {
    const other = byKey.get(dialogKey(one));
    if (other === undefined) return [];
    const fields = COMPARED.map((field) => ({
      field,
      ledger: JSON.stringify(one[field]),
      homer: JSON.stringify(other[field]),
    })).filter((pair) => pair.ledger !== pair.homer);
    const { callId: sipCallId, localTag, remoteTag } = one;
    const unsure = { ledger: [...one.unsure], homer: [...other.unsure] };
    return fields.length === 0 ? [] : [{ sipCallId, localTag, remoteTag, fields, unsure }];
  });
}
