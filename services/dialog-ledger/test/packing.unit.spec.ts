import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '@reinvite/sip';
import { AST1, callTo, hep, ledgerOn, PHONE } from './captures.js';
import { FakeStore } from './fake-store.js';

const AT = 1_795_000_000_000_000;
const callIds = ['a', 'b@"quoted"', 'c'];

/** What a phone and a node say in three calls, each message with its own time. */
const packets = callIds.flatMap((callId, call) => {
  const { invite, ok, bye } = callTo(AST1, callId);
  const at = (index: number) => ({ at: AT + call * 1_000 + index });
  return [hep(PHONE, AST1, invite, at(0)), hep(AST1, PHONE, ok, at(1)), hep(PHONE, AST1, bye, at(2))];
});

type Step = { readonly take: number } | 'pack' | 'flush' | 'restart';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ take: fc.nat(packets.length - 1) }) },
  { weight: 2, arbitrary: fc.constant<Step>('pack') },
  { weight: 1, arbitrary: fc.constant<Step>('flush') },
  { weight: 1, arbitrary: fc.constant<Step>('restart') },
);

async function rowsAfter(steps: readonly Step[]): Promise<Map<string, Evidence>> {
  const store = new FakeStore();
  let now = 0;
  const start = () => ledgerOn(store, () => now).ledger;
  let ledger = start();
  await ledger.load();
  for (const one of steps) {
    if (one === 'pack') {
      now += 5_000;
      ledger.pack(100);
    } else if (one === 'flush') await ledger.flush();
    else if (one === 'restart') {
      await ledger.close();
      ledger = start();
      await ledger.load();
    } else ledger.take(packets[one.take] ?? Buffer.alloc(0), PHONE);
  }
  await ledger.close();
  return store.rows;
}

describe('packing', () => {
  it('changes nothing of what is written, whenever it is done', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const withPacking = await rowsAfter(steps);
        const without = await rowsAfter(steps.filter((one) => one !== 'pack'));
        expect(withPacking).toEqual(without);
      }),
    );
  });
});
