import type { Call, CallLeg } from '../call/call.js';
import { dialogAfter } from './dialog-of-attempt.js';
import { recoveryOfChannel } from './ids.js';
import { allowsUnsure, type RecoveryPolicy } from './policy.js';
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
  /** CSeq of the INVITE that began it: with the Call-ID it names the transaction at the edge. Null where it was not seen. */
  readonly inviteCseq: number | null;
}

/** Dialogs by SIP Call-ID. */
export type DialogViews = ReadonlyMap<string, readonly DialogView[]>;

export type Verdict =
  { readonly eligible: true; readonly variables: Readonly<Record<string, string>> } | Skipped;

/** `unsure`: what was uncertain, for `dialog-unsure`. `inviteCseq`: the INVITE that is to be ended at the edge. */
interface Skipped {
  readonly eligible: false;
  readonly reason: SkipReason;
  readonly unsure?: readonly string[];
  readonly inviteCseq?: number;
}

/** What a leg is judged by. */
export interface Grounds {
  readonly dialogs: DialogViews;
  readonly policy: RecoveryPolicy;
  /** Whether every ledger has said that it has written all that had arrived. */
  readonly ledgerHeard: boolean;
  /** SIP Call-IDs that several legs have. */
  readonly shared: ReadonlySet<string>;
}

/**
 * Whether a leg may be re-INVITEd: only with one confirmed dialog that this node was the last to speak for, as a source has seen
 * or as we know of a channel of ours, and that nothing is unsure about save what the policy allows. A wrong re-INVITE gets 481
 * (RFC 3261 section 12.2.2) and ends a call that could have lived.
 */
export function assessLeg(call: Call, leg: CallLeg, grounds: Grounds): Verdict {
  const { dialogs, policy, ledgerHeard, shared } = grounds;
  const { sipCallId } = leg.record;
  const known = sipCallId === '' ? [] : (dialogs.get(sipCallId) ?? []);
  const here = known.filter((dialog) => dialog.nodeId === call.nodeId);
  const confirmed = here.filter((dialog) => dialog.state === 'confirmed');
  const isBack = leg.record.state === 'Up' || isOnItsWayBack(leg, call);
  const [seen] = confirmed;
  const dialog = isBack && isUnseen(leg, seen) ? unseenTakeover(leg, known, call.nodeId) : seen;
  if (dialog === undefined) return unconfirmed(leg, known, here, policy);
  if (confirmed.length > 1 || shared.has(sipCallId)) return skip('dialog-ambiguous');
  if (!allowsUnsure(policy, dialog.unsure)) return { ...skip('dialog-unsure'), unsure: dialog.unsure };
  if (dialog.variables === null) return skip('dialog-incomplete');
  if (!isBack) return skip('not-answered');
  if (leg.place.kind === 'nowhere') return skip(leg.place.reason);
  if (policy.confirmed === 'skip') return skip('policy-forbids');
  if (!ledgerHeard && policy.barrierMissed === 'skip') return skip('ledger-unheard');
  return { eligible: true, variables: dialog.variables };
}

/** Whether the source has not seen with what re-INVITE we brought the leg there. */
function isUnseen({ takenFrom }: CallLeg, seen: DialogView | undefined): boolean {
  if (seen === undefined) return true;
  const next = Number(seen.variables?.PJSIP_RECOVERY_CSEQ ?? Number.NaN);
  return takenFrom !== undefined && next <= takenFrom.cseq;
}

/**
 * The dialog of a replacement channel of ours, of whose re-INVITE the source has seen nothing: it has the dialog as it was on the
 * node before. What comes next is what another attempt at that would have been.
 */
function unseenTakeover(
  { takenFrom }: CallLeg,
  known: readonly DialogView[],
  nodeId: string,
): DialogView | undefined {
  const [dialog, ...others] = known.filter(({ state }) => state === 'confirmed');
  if (takenFrom === undefined || dialog === undefined || others.length > 0) return undefined;
  const isItsOwn = dialog.nodeId === takenFrom.nodeId || dialog.nodeId === nodeId;
  if (!isItsOwn || dialog.variables === null) return undefined;
  const variables = dialogAfter(dialog.variables, takenFrom);
  return { ...dialog, variables, unsure: [...dialog.unsure, 'takeover-unseen'] };
}

/**
 * A channel of ours whose phone had not answered yet when its node died too, while another leg of the call had come back there:
 * whoever takes that one over takes both, or the recovery before would have to bring the rest to a node that is dead. Where none
 * had come back, the recovery before goes on with the call as a whole.
 */
function isOnItsWayBack({ record }: CallLeg, { legs }: Call): boolean {
  const isOurs = (one: CallLeg['record']): boolean => recoveryOfChannel(one.channelId) !== null;
  return isOurs(record) && legs.some((other) => other.record.state === 'Up' && isOurs(other.record));
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

/** An INVITE whose answer nobody will give is ended where the policy says so; not that of a channel which was up, whose dialog is behind. */
function unconfirmed(
  { record }: CallLeg,
  known: readonly DialogView[],
  here: readonly DialogView[],
  policy: RecoveryPolicy,
): Verdict {
  const reason = withoutConfirmed(known, here);
  if (reason !== 'dialog-early' || policy.early === 'leave' || record.state === 'Up') return skip(reason);
  const inviteCseq = here.find((dialog) => dialog.state === 'early')?.inviteCseq ?? null;
  return inviteCseq === null ? skip(reason) : { ...skip(reason), inviteCseq };
}

function withoutConfirmed(known: readonly DialogView[], here: readonly DialogView[]): SkipReason {
  if (known.length === 0) return 'dialog-unknown';
  if (here.some((dialog) => dialog.state === 'early')) return 'dialog-early';
  if (known.some((dialog) => dialog.state === 'confirmed')) return 'dialog-elsewhere';
  return here.length > 0 ? 'dialog-ended' : 'dialog-elsewhere';
}

function skip(reason: SkipReason): Skipped {
  return { eligible: false, reason };
}
