import { readWhatHasArrived } from '../arrived.js';
import type { Flushed, FactStream } from './fact-stream.js';

/** The last facts of a dead life are on their way already; a death is not kept back for longer. */
const FLUSH_MS = 200;

/**
 * Waits until the facts of a dead life are stored, a short while at most. A death is seen before the socket of Asterisk closes: what
 * it sent before is in our receive buffer still.
 */
export async function flushLastFacts(facts: Pick<FactStream, 'flush'>): Promise<Flushed> {
  await readWhatHasArrived();
  return facts.flush(FLUSH_MS);
}
