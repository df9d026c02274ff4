import type { EarlyDialogsEnded, EndEarlyDialogs } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endInvite } from '../src/early/edge-rpc.js';
import { endEarly, type EarlyOptions } from '../src/early/end-early.js';
import { FakeEdge } from './support/fake-edge.js';

const log = createLogger('test', 'silent');
const NOBODY = 'http://127.0.0.1:1/rpc';

function command(change: Partial<EndEarlyDialogs> = {}): EndEarlyDialogs {
  return {
    type: 'EndEarlyDialogs',
    recoveryId: 'r1',
    callId: 'a@phone',
    nodeId: 'ast1',
    incarnation: '1000',
    at: Date.now(),
    dialogs: [
      { legId: 'a', sipCallId: 'a@phone', inviteCseq: 1 },
      { legId: 'b', sipCallId: 'b@us', inviteCseq: 102 },
    ],
    ...change,
  };
}

describe('early dialogs of a dead node', () => {
  let edge: FakeEdge;
  let recorded: EarlyDialogsEnded[];

  beforeEach(async () => {
    edge = await FakeEdge.start();
    recorded = [];
  });
  afterEach(() => edge.stop());

  const options = (...rpcUrls: string[]): EarlyOptions => ({
    store: {
      appendBatch: async (appends) => {
        recorded.push(...appends.flatMap((append) => append.events.map(({ event }) => event)));
        return [];
      },
    },
    rpcUrls,
    log,
    signal: new AbortController().signal,
  });
  const results = (): string[] => recorded.flatMap(({ dialogs }) => dialogs.map(({ result }) => result));

  it('are ended at the edge: a final answer to the caller, by Call-ID and CSeq', async () => {
    edge.pending.add('a@phone 1').add('b@us 102');
    await endEarly(command(), options(edge.rpcUrl));
    expect(results()).toEqual(['ended', 'ended']);
    expect(edge.asked.map(({ params }) => params)).toEqual([
      [500, 'Server Lost', 'a@phone', '1', 'r1', '', ''],
      [500, 'Server Lost', 'b@us', '102', 'r1', '', ''],
    ]);
    expect(edge.asked[0]?.method).toBe('tm.reply_callid');
  });

  it('are looked for at every edge, and are gone where none knows them', async () => {
    const other = await FakeEdge.start();
    other.pending.add('b@us 102');
    await endEarly(command(), options(edge.rpcUrl, other.rpcUrl));
    other.stop();
    expect(results()).toEqual(['gone', 'ended']);
  });

  it('are not waited for at an edge that does not answer once another has ended them', async () => {
    edge.pending.add('a@phone 1').add('b@us 102');
    await endEarly(command(), options(NOBODY, edge.rpcUrl));
    expect(results()).toEqual(['ended', 'ended']);
  });

  it('are given up when an edge stays away for too long, and that is recorded', async () => {
    await endEarly(command({ at: Date.now() - 60_000 }), options(NOBODY, edge.rpcUrl));
    expect(results()).toEqual(['failed', 'failed']);
  });

  it.each<[string, object | string]>([
    ['is no JSON', 'nonsense'],
    ['is an error of its own', { error: { code: 500, message: 'Reply failed' } }],
    ['has another shape', { error: 'no' }],
  ])('say with a code when the answer %s', async (_, answer) => {
    edge.answers = answer;
    const invite = { sipCallId: 'a@phone', inviteCseq: 1 };
    await expect(endInvite(edge.rpcUrl, invite, 'r1')).rejects.toThrow(/EDGE_FAILED/);
  });
});
