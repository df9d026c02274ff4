import type { Dialog } from './dialog.js';
import { isFull, lengthOf, withinBudget } from './budget.js';
import type { Evidence } from './evidence.js';
import { earliest, inherit, joinEvidence } from './join.js';
import { contributionsOf, type Observed } from './observe.js';
import { isInvitation, viewOf } from './view.js';

/**
 * Far more than an INVITE that forks has answers. Without a limit a caller who sends one Call-ID with ever new tags would
 * make each of its messages cost more than the one before.
 */
const MAX_DIALOGS = 256;

/** All dialogs and invitations of one Call-ID, by {@link dialogKey}. */
export interface CallDialogs {
  readonly callId: string;
  readonly evidence: ReadonlyMap<string, Evidence>;
}

export function emptyCall(callId: string): CallDialogs {
  return { callId, evidence: new Map() };
}

/** Key of a dialog among those of its Call-ID. Tags are tokens: they hold no space. */
export function dialogKey({ localTag, remoteTag }: Pick<Dialog, 'localTag' | 'remoteTag'>): string {
  return `${localTag} ${remoteTag}`;
}

/**
 * Folds one message into the dialogs of its Call-ID. Pure; the same messages give the same dialogs in whatever order, and
 * however often, they come. Only what does not by itself show an INVITE's dialog (NOTIFY, OPTIONS, the refusal of a
 * re-INVITE, …) is left out when it comes before everything else of that dialog, and so is all of a dialog that comes when
 * its Call-ID has {@link MAX_DIALOGS} already, or is too long to be kept; then sessions are left out too.
 *
 * A message of another node with the same Call-ID and tags goes on with the same dialog.
 * @returns the same object where the message says nothing about an INVITE's dialog.
 */
export function applyMessage(call: CallDialogs, observed: Observed): CallDialogs {
  let joined = call;
  for (const { evidence, creates } of contributionsOf(observed)) {
    const isKnown = joined.evidence.has(dialogKey(evidence));
    const hasRoom = joined.evidence.size < MAX_DIALOGS && !isFull(joined.evidence);
    if (isKnown || (creates && hasRoom)) joined = joinInto(joined, evidence);
  }
  return joined === call ? call : { ...joined, evidence: withinBudget(call.evidence, joined.evidence) };
}

/** Joins what is known of the same Call-ID from two sources, such as memory and the database. */
export function joinCalls(a: CallDialogs, b: CallDialogs): CallDialogs {
  let joined = a;
  for (const evidence of b.evidence.values()) joined = joinInto(joined, evidence);
  return joined;
}

/** The call without some of its dialogs. */
export function withoutDialogs(call: CallDialogs, dropped: ReadonlySet<string>): CallDialogs {
  return { ...call, evidence: new Map([...call.evidence].filter(([key]) => !dropped.has(key))) };
}

/** What can be said of the Call-ID now. Invitations that a dialog has answered are part of that dialog and left out. */
export function dialogsOf(call: CallDialogs): Dialog[] {
  return visible(call)
    .map(viewOf)
    .filter((dialog) => dialog !== null);
}

/** How long all that is known of a Call-ID is, in characters of JSON. */
export function lengthOfCall({ evidence }: CallDialogs): number {
  return [...evidence.values()].reduce((sum, one) => sum + lengthOf(one), 0);
}

/** The evidence behind {@link dialogsOf}. */
export function visible(call: CallDialogs): Evidence[] {
  const all = [...call.evidence.values()];
  return all.filter((one) => !isInvitation(one) || !all.some((other) => answers(other, one)));
}

function joinInto(call: CallDialogs, added: Evidence): CallDialogs {
  const evidence = new Map(call.evidence);
  const key = dialogKey(added);
  const known = evidence.get(key);
  const joined = known === undefined ? added : joinEvidence(known, added);
  evidence.set(key, joined);
  if (isInvitation(joined)) {
    for (const [other, dialog] of evidence) {
      if (answers(dialog, joined)) evidence.set(other, inherit(dialog, joined));
    }
  } else {
    const invitations = [...evidence.values()].filter((one) => answers(joined, one));
    evidence.set(key, invitations.reduce(inherit, joined));
    passOver(evidence, key);
  }
  return { ...call, evidence };
}

/**
 * An INVITE that forked has one dialog that goes on, as a rule: the proxy cancels the other forks when one is answered with
 * a 2xx (RFC 3261 section 16.7 step 10), and their early dialogs are over (section 13.2.2.4).
 * @param changed key of the dialog that may be the one, or one of the others.
 */
function passOver(evidence: Map<string, Evidence>, changed: string): void {
  let one = evidence.get(changed);
  if (one === undefined) return;
  for (const [key, other] of evidence) {
    if (key === changed || !areForks(one, other)) continue;
    if (one.confirmedAt !== null) evidence.set(key, passedOver(other, one.confirmedAt));
    if (other.confirmedAt !== null) one = passedOver(one, other.confirmedAt);
  }
  evidence.set(changed, one);
}

function passedOver(dialog: Evidence, at: number): Evidence {
  const passedOverAt = earliest(dialog.passedOverAt, at);
  return passedOverAt === dialog.passedOverAt ? dialog : { ...dialog, passedOverAt };
}

/** Whether two dialogs answer one INVITE: they share the tag of the side that sent it. */
function areForks(a: Evidence, b: Evidence): boolean {
  return !isInvitation(a) && !isInvitation(b) && (a.localTag === b.localTag || a.remoteTag === b.remoteTag);
}

/** Whether a dialog is an answer to this invitation: one that forked may have several. */
function answers(dialog: Evidence, invitation: Evidence): boolean {
  if (isInvitation(dialog) || !isInvitation(invitation)) return false;
  return invitation.remoteTag === ''
    ? dialog.localTag === invitation.localTag
    : dialog.remoteTag === invitation.remoteTag;
}
