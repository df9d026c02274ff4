import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { EventCodec } from '../src/codec.js';
import type { NewEvent, StreamAppend } from '../src/event.js';

/** The life of a light bulb, as an example of a domain. */
const bulbEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('SwitchedOn'), by: z.string(), at: z.number() }),
  z.object({ type: z.literal('SwitchedOff'), at: z.number() }),
]);
export type BulbEvent = z.infer<typeof bulbEvent>;

export const bulbTypes = ['SwitchedOn', 'SwitchedOff'] as const;

/** `SwitchedOn` was called `Lit` and had no `by` in version 1, and had `who` in version 2. */
export const bulbCodec = new EventCodec<BulbEvent>({
  schema: bulbEvent,
  upcasters: {
    SwitchedOn: [(event) => ({ ...event, who: 'unknown' }), ({ who, ...event }) => ({ ...event, by: who })],
    Lit: [(event) => ({ ...event, type: 'SwitchedOn', by: 'unknown' })],
  },
});

export const on = (by = 'me'): NewEvent<BulbEvent> => ({
  id: randomUUID(),
  event: { type: 'SwitchedOn', by, at: 1 },
});
export const off = (): NewEvent<BulbEvent> => ({ id: randomUUID(), event: { type: 'SwitchedOff', at: 2 } });

export function append(
  streamId: string,
  expectedVersion: number,
  first: NewEvent<BulbEvent> = on(),
  ...rest: NewEvent<BulbEvent>[]
): StreamAppend<BulbEvent> {
  return { streamId, expectedVersion, events: [first, ...rest] };
}
