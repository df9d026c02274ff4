import { setImmediate as nextTurn } from 'node:timers/promises';

/** The event loop reads a socket once a turn. */
const TURNS = 3;

/** Resolves once what lies in our receive buffers is read: timers that are overdue go off before it. */
export async function readWhatHasArrived(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}
