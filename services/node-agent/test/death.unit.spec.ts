import type { ProcessGone } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { FactStream } from '../src/calls/fact-stream.js';
import { CallPicture } from '../src/calls/picture.js';
import { reportDeath } from '../src/death.js';

const log = createLogger('test', 'silent');

describe('the report of a death', () => {
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
    const info = { incarnation: '42' } as never;
    await reportDeath({ info, facts }, 'ast1', 5, { request }, log, stop.signal);
    stop.abort();
    expect(told[0]).toMatchObject({ incarnation: '42', lastFactSeq: null, factsComplete: false });
    expect(told.at(-1)).toMatchObject({ incarnation: '42', lastFactSeq: 9, factsComplete: true });
  });
});
