import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lengthOf } from '../src/dialog/budget.js';
import { applyMessage, emptyCall, type CallDialogs } from '../src/dialog/fold.js';
import type { Observed } from '../src/dialog/observe.js';
import { established, fold, inDialog, only } from './calls.js';
import { CALL_ID, capture, inboundCall } from './messages.js';
import { sdp } from './sdp.js';

/** A description with so many characters of parameters. */
const longSdp = (version: number, length: number): string =>
  `${sdp({ id: '8000', version })}${Array.from({ length: 30 }, (_, index) => `m=audio 1 RTP/AVP 96\r\na=fmtp:96 x=${'y'.repeat(length / 30)}${index}\r\n`).join('')}`;

/** A re-INVITE of the phone, and what we answered. */
const offer = (cseq: number, length: number, status: number, dialog = inDialog): Observed[] => [
  capture('received', cseq * 100, {
    ...dialog,
    cseq: `${cseq} INVITE`,
    sdp: longSdp(cseq, length),
    contact: '<sip:x@y>',
  }),
  capture('sent', cseq * 100 + 1, { ...dialog, cseq: `${cseq} INVITE`, status }),
];
const offers = (length: number, status: number): Observed[] =>
  Array.from({ length: 60 }, (_, index) => offer(8 + index, length, status)).flat();

const callOf = (messages: readonly Observed[]): CallDialogs =>
  messages.reduce(applyMessage, emptyCall(CALL_ID));
const lengthOfAll = ({ evidence }: CallDialogs): number =>
  [...evidence.values()].reduce((sum, one) => sum + lengthOf(one), 0);

describe('descriptions that a phone makes long', () => {
  it('are not kept when they were refused, and the session stays what it was', () => {
    const flooded = [...established, ...offers(6_000, 401)];
    expect(lengthOfAll(callOf(flooded))).toBeLessThan(32_768);
    expect(only(flooded)).toMatchObject({
      localSession: only(established).localSession,
      remoteSession: only(established).remoteSession,
      unsure: [],
    });
  });

  it('are not kept beyond what any phone says of a session: then it is as if it had not been seen', () => {
    const [reinvite, ok] = offer(8, 20_000, 200);
    const accepted = [reinvite, ok].filter((one) => one !== undefined);
    const dialog = only([...established, ...accepted]);
    expect(dialog).toMatchObject({ remoteSession: null, unsure: ['session-unseen'] });
    expect(dialog.remoteTarget).toBe('sip:x@y');
    expect(lengthOfAll(callOf([...established, ...accepted]))).toBeLessThan(16_384);
  });

  it('take so much room and no more when nobody answers them', () => {
    const open = offers(6_000, 401).filter(({ direction }) => direction === 'received');
    expect(lengthOfAll(callOf([...established, ...open]))).toBeLessThan(98_304);
  });

  it('are the same in whatever order they come, and who refused what', () => {
    const messages = [
      ...established,
      ...offer(8, 6_000, 488),
      ...offer(9, 20_000, 401),
      ...offer(10, 3_000, 200),
    ];
    const twice = [...messages, ...messages];
    const shuffled = fc.shuffledSubarray(twice, { minLength: twice.length, maxLength: twice.length });
    fc.assert(
      fc.property(shuffled, (mixed) => {
        // A refusal shows nothing of a dialog that is not known yet: it comes again once it is.
        expect(fold([...mixed, ...mixed])).toEqual(fold(messages));
      }),
      { numRuns: 100 },
    );
  });

  it('are gone on with where a proxy tried another node with the same INVITE', () => {
    const first = inboundCall('ast1');
    const second = inboundCall('ast2');
    const refused = capture(
      'sent',
      5,
      { ...inDialog, to: `${inDialog.to}x`, status: 503, cseq: '7 INVITE' },
      'ast1',
    );
    const all = [first.invite, refused, second.invite, second.ok];
    for (const order of [all, all.toReversed()]) {
      const dialog = fold(order).find(({ state }) => state === 'confirmed');
      expect(dialog).toMatchObject({ unsure: [], nodeId: 'ast2' });
    }
  });
});

describe('a Call-ID that is made long', () => {
  const dialogs = Array.from({ length: 40 }, (_, index) =>
    Array.from({ length: 8 }, (__, offered) => {
      const dialog = { ...inDialog, from: `<sip:mallory@10.77.0.9>;tag=m${index}` };
      return offer(8 + offered, 6_000, 200, dialog).slice(0, 1);
    }).flat(),
  ).flat();

  it('is kept up to a limit, and its first call is still followed to its end', () => {
    const flooded = [...established, ...dialogs];
    expect(lengthOfAll(callOf(flooded))).toBeLessThan(1_400_000);
    const first = (messages: readonly Observed[]) =>
      fold(messages).find(({ remoteTag }) => remoteTag === 'p1');
    expect(first(flooded)).toEqual(only(established));
    const [reinvite, ok] = offer(20, 300, 200);
    const moved = [...flooded, reinvite, ok].filter((one) => one !== undefined);
    expect(first(moved)).toMatchObject({
      remoteTarget: 'sip:x@y',
      unsure: ['session-unseen'],
      state: 'confirmed',
    });
  });
});
