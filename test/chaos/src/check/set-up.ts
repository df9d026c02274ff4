import { establishedAt, phonesOf, type ObservedCall } from '@reinvite/test-phones';
import { phonesWanted, SETTLING_MS, type Frame } from './call.js';
import type { Difference } from './difference.js';

/** A call is set up within this; a death in that time may have come in its way. */
const SET_UP_MS = 4_000;

/** Calls of which not every phone came to talk, though no Asterisk died or started meanwhile. Pure. */
export function notSetUp(
  calls: readonly ObservedCall[],
  { lives, patienceOf, patience }: Pick<Frame, 'lives' | 'patienceOf' | 'patience'>,
): Difference[] {
  const unrest = lives.flatMap((life) => [
    { from: life.startedAt, to: life.startedAt + SETTLING_MS },
    ...(life.silentAt === null ? [] : [{ from: life.silentAt, to: life.silentAt + patienceOf(life) }]),
  ]);
  return calls.flatMap((call): Difference[] => {
    const { at } = call.caller.invite;
    const talked = phonesOf(call).filter((phone) => establishedAt(phone) !== null);
    if (talked.length >= phonesWanted(call)) return [];
    if (unrest.some(({ from, to }) => from <= at + SET_UP_MS * patience && at <= to)) return [];
    const answers = phonesOf(call).map(
      ({ role, invite }) => `${role} ${invite.answer?.status ?? 'without an answer'}`,
    );
    const text = `${call.kind}: ${talked.length} of ${phonesWanted(call)} phones came to talk (${answers.join(', ')})`;
    return [{ kind: 'not-set-up', at, call: call.number, text }];
  });
}
