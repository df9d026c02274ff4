import { dialogsOf, type CallDialogs, type Dialog } from '@reinvite/sip';

/** What the description of a session lacks makes no re-INVITE wrong. */
const ADVISORY = /^session-/;

/**
 * Whether all of a Call-ID can be said from these messages: it has a dialog that was confirmed or has ended, and nothing in
 * any confirmed one is open that a further message could tell.
 */
export function isComplete(call: CallDialogs): boolean {
  const dialogs = dialogsOf(call);
  return dialogs.some((dialog) => dialog.state !== 'early') && !dialogs.some(isOpen);
}

function isOpen({ state, unsure }: Dialog): boolean {
  return state === 'confirmed' && unsure.some((reason) => !ADVISORY.test(reason));
}
