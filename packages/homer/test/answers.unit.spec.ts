import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { HomerApi } from '../src/api/api.js';
import { Homer11 } from '../src/api/homer11.js';
import { Homer7 } from '../src/api/homer7.js';
import { placingAt } from '../src/capture/placing.js';
import { configOf, packets } from './scene.js';

// Enough for many more cases than are drawn in every run.
vi.setConfig({ testTimeout: 300_000 });

const SPAN = { fromMs: 0, toMs: 1 };
const CALL = 'call@phone';
const place = placingAt(configOf({ version: 7, url: 'http://homer.invalid' }).nodes);

function apiThatAnswers(version: 7 | 11, answer: unknown): HomerApi {
  const session = { query: async () => answer };
  return version === 7 ? new Homer7(session) : new Homer11(session);
}

const ask = (version: 7 | 11, answer: unknown) =>
  apiThatAnswers(version, answer).messages([CALL], SPAN, new AbortController().signal);

/** A field that is as it should be more often than not, and anything else otherwise. */
const field = (right: unknown): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(right) }, fc.jsonValue());

const raw = packets[0]?.payload.toString('utf8') ?? '';
const rows = {
  7: fc.record(
    {
      sid: field(CALL),
      payloadType: field(1),
      timeSeconds: field(1_795_262_400),
      timeUseconds: field(123_456),
      srcIp: field('10.0.0.9'),
      dstIp: field('10.77.1.101'),
      captureId: field('1'),
      raw: field(raw),
    },
    { requiredKeys: [] },
  ),
  11: fc.record(
    {
      session_id: field(CALL),
      timestamp: field('2026-11-21T12:00:00.123456Z'),
      src_ip: field('10.0.0.9'),
      dst_ip: field('10.77.1.101'),
      node_id: field('1'),
      payload: field(raw),
    },
    { requiredKeys: [] },
  ),
} as const;

describe.each([7, 11] as const)('an answer of HOMER %i', (version) => {
  it('of any kind is read, or refused with a code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (answer) => {
        const error: unknown = await ask(version, answer).then(
          () => null,
          (cause: unknown) => cause,
        );
        expect(error === null || isCoded(error, 'HOMER_ANSWER_INVALID')).toBe(true);
      }),
    );
  });

  it('with rows of any kind gives messages with a time and of the right call, and counts the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(rows[version], fc.jsonValue())), async (some) => {
        const answer = { data: version === 7 ? { messages: some } : { items: some } };
        const { messages, unreadable } = await ask(version, answer);
        expect(messages.length + unreadable).toBeLessThanOrEqual(some.length * 2);
        for (const message of messages) {
          expect(message.callId).toBe(CALL);
          expect(Number.isSafeInteger(message.at) && message.at > 0).toBe(true);
          expect(['placed', 'unreadable']).toContain(place(message).kind);
        }
      }),
    );
  });
});

describe('a row of HOMER 7', () => {
  const whole = { sid: CALL, payloadType: 1, srcIp: 'a', dstIp: 'b', raw, timeSeconds: 5, timeUseconds: 7 };

  it.each([
    [{}, 5_000_007],
    [{ timeSeconds: '5', timeUseconds: '7' }, 5_000_007],
    [{ timeSeconds: null }, null],
    [{ timeUseconds: null }, null],
    [{ timeUseconds: 1_000_000 }, null],
    [{ timeSeconds: 0 }, null],
    [{ timeSeconds: 5.5 }, null],
    [{ timeSeconds: '' }, null],
    [{ timeSeconds: true }, null],
    [{ timeSeconds: 1e12 }, null],
  ])('with %j', async (change, at) => {
    const { messages, unreadable } = await ask(7, { data: { messages: [{ ...whole, ...change }] } });
    // One for each of the two profiles.
    expect(messages.map((message) => message.at)).toEqual(at === null ? [] : [at, at]);
    expect(unreadable).toBe(at === null ? 2 : 0);
  });
});

describe('a row without a capture id', () => {
  const seven = { sid: CALL, payloadType: 1, srcIp: 'a', dstIp: 'b', raw, timeSeconds: 5, timeUseconds: 7 };
  const eleven = { session_id: CALL, timestamp: 1_795_262_400, src_ip: 'a', dst_ip: 'b', payload: raw };

  it.each([undefined, null, '', 'edge', true, { toString: 1 }])('counts all the same (%j)', async (id) => {
    const answers = await Promise.all([
      ask(7, { data: { messages: [id === undefined ? seven : { ...seven, captureId: id }] } }),
      ask(11, { data: { items: [id === undefined ? eleven : { ...eleven, node_id: id }] } }),
    ]);
    for (const { messages, unreadable } of answers) {
      expect(messages.map(({ captureId }) => captureId)).toEqual([null, null]);
      expect(unreadable).toBe(0);
    }
  });
});
