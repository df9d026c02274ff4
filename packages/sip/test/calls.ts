import type { Dialog } from '../src/dialog/dialog.js';
import { applyMessage, dialogsOf, emptyCall } from '../src/dialog/fold.js';
import type { Observed } from '../src/dialog/observe.js';
import { CALL_ID, EDGE, inboundCall, outboundCall, OUTER } from './messages.js';

export const fold = (messages: readonly Observed[]): Dialog[] =>
  dialogsOf(messages.reduce(applyMessage, emptyCall(CALL_ID)));

export function only(messages: readonly Observed[]): Dialog {
  const dialogs = fold(messages);
  const [dialog, ...others] = dialogs;
  if (dialog === undefined || others.length > 0)
    throw new Error(`expected one dialog, got ${dialogs.length}`);
  return dialog;
}

export const inbound = inboundCall();
export const outbound = outboundCall();
export const inDialog = { from: '"Phone" <sip:phone@10.77.0.9>;tag=p1', to: '<sip:app@10.77.0.5>;tag=a1' };
export const ourRequest = {
  from: '<sip:app@10.77.0.5>;tag=a1',
  to: '"Phone" <sip:phone@10.77.0.9>;tag=p1',
  route: [EDGE, OUTER],
};
export const established = [inbound.invite, inbound.trying, inbound.ringing, inbound.ok, inbound.ack];
export const answered = [
  outbound.invite,
  outbound.challenge,
  outbound.challengeAck,
  outbound.inviteAgain,
  outbound.ringing,
  outbound.ok,
  outbound.ack,
];
