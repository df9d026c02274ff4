import { z } from 'zod';
import type { SipMessage } from '../message/message.js';
import { sdpOf } from '../session/body.js';
import type { Rules } from './transactions.js';

/**
 * An UPDATE that is no offer, or was refused. They are kept apart from the exchanges of the session: a phone that knows no
 * UPDATE refuses each that tells it a connected line or refreshes the timer, and those must not push the session out.
 */
export const updateSchema = z.object({
  by: z.enum(['local', 'remote']),
  cseq: z.number().int().nonnegative(),
  /** The request was seen, and without an offer. */
  bare: z.boolean(),
  refused: z.boolean(),
});
export type Update = z.infer<typeof updateSchema>;

export const updateRules: Rules<Update> = {
  kept: 32,
  keptSpent: 0,
  join: (a, b) => ({ ...a, bare: a.bare || b.bare, refused: a.refused || b.refused }),
  isSettled: () => false,
  isSpent: () => false,
};

/**
 * What one message adds.
 * @param by whose transaction it is.
 */
export function updatesIn(message: SipMessage, by: Update['by']): Update[] {
  if (message.cseq.method !== 'UPDATE') return [];
  const isRequest = message.kind === 'request';
  // What the peer asked without an offer has used up no version of ours.
  const bare = isRequest && by === 'local' && sdpOf(message) === null;
  const refused = !isRequest && message.status >= 300;
  return bare || refused ? [{ by, cseq: message.cseq.number, bare, refused }] : [];
}
