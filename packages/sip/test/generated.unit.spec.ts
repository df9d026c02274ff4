import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import { evidenceSchema } from '../src/dialog/evidence.js';
import { applyMessage, dialogsOf, emptyCall, joinCalls, type CallDialogs } from '../src/dialog/fold.js';
import type { Observed } from '../src/dialog/observe.js';
import { play, script, type Played, type Truth } from './generated-call.js';
import { CALL_ID } from './messages.js';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 300);
/** Far above what the runs take, however many are asked for. */
const PATIENCE = { timeout: 3_600_000 };

const foldOf = (messages: readonly Observed[]): CallDialogs =>
  messages.reduce(applyMessage, emptyCall(CALL_ID));
const byTag = (a: Dialog, b: Dialog): number =>
  `${a.localTag} ${a.remoteTag}` < `${b.localTag} ${b.remoteTag}` ? -1 : 1;
const sorted = (call: CallDialogs): Dialog[] => dialogsOf(call).sort(byTag);

/** The dialog that the script is about. */
const main = (call: CallDialogs): Dialog | undefined =>
  dialogsOf(call).find(({ localTag, remoteTag }) => localTag === 'ours' && remoteTag === 'theirs');

const shown = (dialog: Dialog): Truth => ({
  remoteTarget: dialog.remoteTarget ?? '',
  routeSet: [...dialog.routeSet],
  localCSeq: dialog.localCSeq,
  remoteCSeq: dialog.remoteCSeq,
  nodeId: dialog.nodeId,
  ours: [dialog.localSession?.origin.version ?? '', dialog.localSession?.streams[0]?.direction ?? ''],
  theirs: [dialog.remoteSession?.origin.version ?? '', dialog.remoteSession?.streams[0]?.direction ?? ''],
  timer: dialog.sessionTimer,
  state: dialog.state === 'ended' ? 'ended' : 'confirmed',
});

const messagesOf = (played: readonly Played[]): Observed[] => played.map(({ observed }) => observed);

/** The whole call, what is left of it by any loss that leaves something of each transaction, and in which order. */
const withLoss = script.chain((one) => {
  const { played, truth } = play(one);
  const masks = fc.array(fc.boolean(), { minLength: played.length, maxLength: played.length });
  return masks.map((mask) => {
    const kept = new Set(played.filter((_, index) => mask[index]).map(({ transaction }) => transaction));
    const left = played.filter(({ transaction }, index) => mask[index] === true || !kept.has(transaction));
    return { one, truth, left: messagesOf(left) };
  });
});

describe('a call of any shape', () => {
  it('is known as it is when everything was captured', PATIENCE, () => {
    fc.assert(
      fc.property(script, (one) => {
        const { played, truth } = play(one);
        const dialog = main(foldOf(messagesOf(played)));
        if (dialog === undefined) throw new Error('no dialog');
        expect(shown(dialog)).toEqual(truth);
        expect(dialog).toMatchObject({ unsure: [], role: one.role });
      }),
      { numRuns: RUNS },
    );
  });

  it(
    'is the same for every order that keeps to the beginning, and for messages that come twice',
    PATIENCE,
    () => {
      const mixed = script.chain((one) => {
        const messages = messagesOf(play(one).played);
        const twice = [...messages, ...messages];
        return fc
          .shuffledSubarray(twice, { minLength: twice.length, maxLength: twice.length })
          .map((shuffled) => ({ messages, shuffled }));
      });
      fc.assert(
        fc.property(mixed, ({ messages, shuffled }) => {
          const inOrder = foldOf(messages);
          // What shows nothing of a dialog by itself comes again once it is known.
          expect(sorted(foldOf([...shuffled, ...shuffled]))).toEqual(sorted(inOrder));
        }),
        { numRuns: RUNS },
      );
    },
  );

  it(
    'is the same when two sources have seen a part each, in whatever order they are joined, also through JSON',
    PATIENCE,
    () => {
      const parted = script.chain((one) => {
        const messages = messagesOf(play(one).played);
        return fc
          .array(fc.nat(2), { minLength: messages.length, maxLength: messages.length })
          .map((where) => ({ messages, where }));
      });
      fc.assert(
        fc.property(parted, ({ messages, where }) => {
          const parts = [0, 1, 2].map((source) =>
            foldOf(messages.filter((_, index) => where[index] === source)),
          );
          const [a, b, c] = parts;
          if (a === undefined || b === undefined || c === undefined)
            throw new Error('three parts were expected');
          const left = joinCalls(joinCalls(a, b), c);
          expect(sorted(joinCalls(c, joinCalls(b, a)))).toEqual(sorted(left));
          expect(sorted(joinCalls(stored(b), joinCalls(stored(c), stored(a))))).toEqual(sorted(left));
          expect(sorted(joinCalls(left, left))).toEqual(sorted(left));
        }),
        { numRuns: RUNS },
      );
    },
  );

  it('is never shown otherwise than it is without a doubt, whatever is lost', PATIENCE, () => {
    fc.assert(
      fc.property(withLoss, ({ truth, left }) => {
        const dialog = main(foldOf(left));
        if (dialog === undefined) return;
        expect(dialog.localCSeq).toBeLessThanOrEqual(truth.localCSeq);
        if (truth.state === 'ended') expect(dialog.state).toBe('ended');
        if (dialog.state !== 'confirmed' || dialog.unsure.length > 0) return;
        // Of the INVITE alone the ACK may be left, whose CSeq is not counted.
        expect(dialog.remoteCSeq).toBeLessThanOrEqual(truth.remoteCSeq);
        expect({ ...shown(dialog), remoteCSeq: truth.remoteCSeq }).toEqual(truth);
      }),
      { numRuns: RUNS },
    );
  });
});

function stored(call: CallDialogs): CallDialogs {
  const evidence = [...call.evidence].map(
    ([key, value]) => [key, evidenceSchema.parse(JSON.parse(JSON.stringify(value)))] as const,
  );
  return { callId: call.callId, evidence: new Map(evidence) };
}
