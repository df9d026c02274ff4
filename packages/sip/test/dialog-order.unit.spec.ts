import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import { evidenceSchema } from '../src/dialog/evidence.js';
import { applyMessage, dialogKey, dialogsOf, emptyCall, joinCalls, visible } from '../src/dialog/fold.js';
import type { Observed } from '../src/dialog/observe.js';
import { fold, inbound, outbound, inDialog, ourRequest, established, answered } from './calls.js';
import { CALL_ID, capture } from './messages.js';

describe('whatever a network does to the captures', () => {
  const refresh = capture('received', 3_000, {
    ...inDialog,
    cseq: '8 INVITE',
    contact: '<sip:phone@192.168.9.9:7777>',
  });
  const refreshOk = capture('sent', 3_001, { ...inDialog, status: 200, cseq: '8 INVITE' });
  const recovered = capture(
    'sent',
    60_000,
    { ...ourRequest, cseq: '10 INVITE', contact: '<sip:10.77.0.12:5060>' },
    'ast2',
  );
  const calls: readonly (readonly Observed[])[] = [
    [...established, refresh, refreshOk, recovered],
    [...established, inbound.bye, inbound.byeOk],
    answered,
    [outbound.invite, outbound.challenge, outbound.inviteAgain, outbound.ringing],
    [inbound.invite, inbound.ringing, capture('sent', 30, { ...inDialog, status: 486, cseq: '7 INVITE' })],
  ];
  const shuffled = fc
    .constantFrom(...calls)
    .chain((call) =>
      fc.tuple(
        fc.constant(call),
        fc.shuffledSubarray([...call, ...call], { minLength: call.length * 2, maxLength: call.length * 2 }),
      ),
    );
  const sorted = (messages: readonly Observed[]): Dialog[] =>
    fold(messages).sort((a, b) => a.remoteTag.localeCompare(b.remoteTag));

  it('gives the same dialogs for every order, and for messages that come twice', () => {
    fc.assert(
      fc.property(shuffled, ([call, mixed]) => {
        expect(sorted(mixed)).toEqual(sorted(call));
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same dialogs when two sources have seen a part each, also through JSON', () => {
    fc.assert(
      fc.property(shuffled, fc.nat(10), ([call, mixed], cut) => {
        const one = mixed.slice(0, cut).reduce(applyMessage, emptyCall(CALL_ID));
        const two = mixed.slice(cut).reduce(applyMessage, emptyCall(CALL_ID));
        const stored = new Map(
          [...one.evidence].map(([key, value]) => [
            key,
            evidenceSchema.parse(JSON.parse(JSON.stringify(value))),
          ]),
        );
        const joined = dialogsOf(joinCalls(two, { callId: CALL_ID, evidence: stored }));
        expect(joined.sort((a, b) => a.remoteTag.localeCompare(b.remoteTag))).toEqual(sorted(call));
      }),
    );
  });

  it('never confirms what was not answered, nor revives what has ended, whatever is lost', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...calls).chain((call) => fc.subarray([...call])),
        (kept) => {
          for (const dialog of fold(kept)) {
            const has = (test: (one: Observed) => boolean): boolean => kept.some(test);
            if (has(({ message }) => message.kind === 'request' && message.method === 'BYE'))
              expect(dialog.state).toBe('ended');
            if (dialog.state === 'confirmed') {
              expect(has(({ message }) => message.cseq.method === 'INVITE' && message.toTag !== '')).toBe(
                true,
              );
            }
            if (dialog.state !== 'ended') expect(dialog.endedAt).toBeNull();
          }
        },
      ),
    );
  });
});

describe('a Call-ID with ever new tags', () => {
  const invite = (tag: string): Observed =>
    capture('received', 0, {
      from: `<sip:mallory@10.77.0.9>;tag=${tag}`,
      to: '<sip:app@10.77.0.5>',
      cseq: '1 INVITE',
    });
  const flood = Array.from({ length: 300 }, (_, index) => invite(`t${index}`));

  it('holds a limited number of dialogs, and still follows those that it has', () => {
    const flooded = [inbound.invite, ...flood].reduce(applyMessage, emptyCall(CALL_ID));
    expect(flooded.evidence.size).toBe(256);
    const known = applyMessage(
      flooded,
      capture('received', 5, { ...inDialog, to: '<sip:app@10.77.0.5>', cseq: '7 CANCEL' }),
    );
    expect(dialogsOf(known).find(({ remoteTag }) => remoteTag === 'p1')?.state).toBe('ended');
    expect(applyMessage(flooded, invite('another'))).toBe(flooded);
  });
});

describe('evidence that an earlier release stored', () => {
  it('is gone on with, though it knows nothing of sessions', () => {
    const [kept] = visible(established.reduce(applyMessage, emptyCall(CALL_ID)));
    const old = JSON.parse(JSON.stringify(kept)) as Record<string, unknown>;
    const added = new Set(['exchanges', 'updates', 'timers', 'denials', 'aliveAt', 'passedOverAt']);
    const fields = Object.entries(old).filter(([name]) => !added.has(name));
    const speaker = { cseq: 0, at: 1_800_000_001_000_000, nodeId: 'ast1' };
    const evidence = evidenceSchema.parse({ ...Object.fromEntries(fields), speaker });
    const loaded = { callId: CALL_ID, evidence: new Map([[dialogKey(evidence), evidence]]) };
    const [dialog] = dialogsOf(joinCalls(loaded, emptyCall(CALL_ID)));
    expect(dialog).toMatchObject({ nodeId: 'ast1', state: 'confirmed', localSession: null });
  });
});
