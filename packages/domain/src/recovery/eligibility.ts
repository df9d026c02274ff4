import type { Call, CallLeg } from '../call/call.js';
import type { SkipReason } from './reasons.js';

/** What the planning needs to know of a SIP dialog. */
export interface DialogView {
  readonly state: 'early' | 'confirmed' | 'ended';
  /** Node that last spoke for the dialog. */
  readonly nodeId: string;
  /** What the source is unsure of; empty where it has seen all. */
  readonly unsure: readonly string[];
  /** `PJSIP_RECOVERY_*` for the re-INVITE; null where a field is missing. */
  readonly variables: Readonly<Record<string, string>> | null;
}

/** Dialogs by SIP Call-ID. */
export type DialogViews = ReadonlyMap<string, readonly DialogView[]>;

export type Verdict =
  | { readonly eligible: true; readonly variables: Readonly<Record<string, string>> }
  | { readonly eligible: false; readonly reason: SkipReason };

/**
 * Whether a leg may be re-INVITEd: only with one confirmed dialog that this node was the last to speak for, and that
 * nothing is unsure about. A wrong re-INVITE gets 481 (RFC 3261 section 12.2.2) and ends a call that could have lived.
 */
export function assessLeg(
  call: Call,
  leg: CallLeg,
  dialogs: DialogViews,
  sharedCallIds: ReadonlySet<string>,
): Verdict {
  const { sipCallId } = leg.record;
  const known = sipCallId === '' ? [] : (dialogs.get(sipCallId) ?? []);
  const here = known.filter((dialog) => dialog.nodeId === call.nodeId);
  const confirmed = here.filter((dialog) => dialog.state === 'confirmed');
  const [dialog] = confirmed;
  if (dialog === undefined) return skip(withoutConfirmed(known, here));
  if (confirmed.length > 1 || sharedCallIds.has(sipCallId)) return skip('dialog-ambiguous');
  if (dialog.unsure.length > 0) return skip('dialog-unsure');
  if (dialog.variables === null) return skip('dialog-incomplete');
  if (leg.record.state !== 'Up') return skip('not-answered');
  if (leg.place.kind === 'nowhere') return skip(leg.place.reason);
  return { eligible: true, variables: dialog.variables };
}

/** SIP Call-IDs that more than one leg of the incarnation has: a call that came back to the node it left from. */
export function callIdsShared(calls: readonly Call[]): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { record } of calls.flatMap((call) => call.legs)) {
    if (seen.has(record.sipCallId)) shared.add(record.sipCallId);
    seen.add(record.sipCallId);
  }
  return shared;
}

function withoutConfirmed(known: readonly DialogView[], here: readonly DialogView[]): SkipReason {
  if (known.length === 0) return 'dialog-unknown';
  if (here.some((dialog) => dialog.state === 'early')) return 'dialog-early';
  if (known.some((dialog) => dialog.state === 'confirmed')) return 'dialog-elsewhere';
  return here.length > 0 ? 'dialog-ended' : 'dialog-elsewhere';
}

function skip(reason: SkipReason): Verdict {
  return { eligible: false, reason };
}
