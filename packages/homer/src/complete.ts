import { dialogsOf, isAdvisory, type CallDialogs, type Dialog } from '@reinvite/sip';

/**
 * Whether all of a Call-ID can be said from these messages: it has a dialog that was confirmed or has ended, and nothing in
 * any confirmed one is open that a further message could tell.
 */
export function isComplete(call: CallDialogs): boolean {
  const dialogs = dialogsOf(call);
  return dialogs.some((dialog) => dialog.state !== 'early') && !dialogs.some(isOpen);
}

function isOpen({ state, unsure }: Dialog): boolean {
  return state === 'confirmed' && !unsure.every(isAdvisory);
}
