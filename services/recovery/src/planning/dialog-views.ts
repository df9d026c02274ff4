import type { DialogView, DialogViews } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';
import { recoveryVariables, type Dialog } from '@reinvite/sip';

/** What the planning needs to know of the dialogs; one that lacks a field has no variables. */
export function dialogViews(dialogs: ReadonlyMap<string, readonly Dialog[]>): DialogViews {
  return new Map([...dialogs].map(([callId, found]) => [callId, found.map(viewOf)]));
}

function viewOf(dialog: Dialog): DialogView {
  const { state, nodeId, unsure, inviteCSeq } = dialog;
  const variables = state === 'confirmed' ? variablesOf(dialog) : null;
  return { state, nodeId, unsure, variables, inviteCseq: inviteCSeq };
}

function variablesOf(dialog: Dialog): Record<string, string> | null {
  try {
    return recoveryVariables(dialog);
  } catch (error) {
    if (isCoded(error, 'DIALOG_INCOMPLETE')) return null;
    throw error;
  }
}
