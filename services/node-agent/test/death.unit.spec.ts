import type { ProcessGone } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { FactStream } from '../src/calls/fact-stream.js';
import { CallPicture } from '../src/calls/picture.js';
import { reportDeath } from '../src/death.js';

const log = createLogger('test', 'silent');

const noFacts = { flush: async () => ({ complete: true, lastSeq: null }) } as unknown as FactStream;
const info = { incarnation: '42' } as never;

describe('the report of a death', () => {
  it('says at each try how long ago the death was seen', async () => {
    const stop = new AbortController();
    const told: ProcessGone[] = [];
    const request = (async (_subject: string, gone: ProcessGone) => {
      told.push(gone);
      return { recorded: told.length > 2, reason: 'not yet' };
    }) as never;
    const seen = { at: 5, mono: performance.now() - 3_600_000 };
    await reportDeath({ info, facts: noFacts }, 'ast1', seen, { request }, log, stop.signal);
    const agos = told.map(({ agoMs }) => agoMs ?? 0);
    expect(agos).toHaveLength(3);
    expect(agos[0]).toBeGreaterThanOrEqual(3_600_000);
    // After the pauses of 50 and 100 ms.
    expect((agos[2] ?? 0) - (agos[0] ?? 0)).toBeGreaterThan(120);
  });

  it('is repeated until it is recorded, and says that facts are still to come while NATS takes none', async () => {
    const stop = new AbortController();
    const picture = new CallPicture('ast1', '42');
    let isAway = true;
    const facts = new FactStream({
      publish: () => (isAway ? Promise.reject(new Error('no acknowledgement')) : Promise.resolve(9)),
      newId: () => 'id',
      now: () => 1,
      lingerMs: 0,
      current: () => picture.facts(),
      nodeId: 'ast1',
      incarnation: '42',
      log,
      signal: stop.signal,
    });
    facts.resync();
    const told: ProcessGone[] = [];
    const request = (async (_subject: string, gone: ProcessGone) => {
      told.push(gone);
      if (!isAway) return { recorded: gone.factsComplete === true, reason: 'not yet' };
      isAway = false;
      throw new Error('no answer');
    }) as never;
    await reportDeath(
      { info, facts },
      'ast1',
      { at: 5, mono: performance.now() },
      { request },
      log,
      stop.signal,
    );
    stop.abort();
    expect(told[0]).toMatchObject({ incarnation: '42', lastFactSeq: null, factsComplete: false });
    expect(told.at(-1)).toMatchObject({ incarnation: '42', lastFactSeq: 9, factsComplete: true });
  });
});
