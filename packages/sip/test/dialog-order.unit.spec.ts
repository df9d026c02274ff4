import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import { evidenceSchema } from '../src/dialog/evidence.js';
import { applyMessage, dialogKey, dialogsOf, emptyCall, joinCalls, visible } from '../src/dialog/fold.js';
import type { Observed } from '../src/dialog/observe.js';
import { fold, inbound, outbound, inDialog, ourRequest, established, answered, only } from './calls.js';
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

describe('a call in which one side asks for the same again and again', () => {
  const pairs = (by: 'ours' | 'theirs', status: number, contact?: string): Observed[][] =>
    Array.from({ length: 70 }, (_, index) => {
      const [asked, answers, from, first] =
        by === 'ours'
          ? (['sent', 'received', ourRequest, 102] as const)
          : (['received', 'sent', inDialog, 8] as const);
      const cseq = `${first + index} UPDATE`;
      const request = { ...from, cseq, ...(contact === undefined ? {} : { contact }) };
      return [
        capture(asked, 10_000 + index * 100, request),
        capture(answers, 10_001 + index * 100, { ...from, status, cseq }),
      ];
    });
  const floods: readonly (readonly [what: string, call: readonly Observed[], flood: Observed[][]])[] = [
    ['UPDATEs of the phone without a Contact', established, pairs('theirs', 200)],
    ['UPDATEs of the phone that we refuse', established, pairs('theirs', 405, '<sip:elsewhere@192.0.2.7>')],
    ['UPDATEs of ours that the phone refuses', answered, pairs('ours', 405, '<sip:10.77.0.11>')],
    ['UPDATEs of ours that it accepts without a Contact', answered, pairs('ours', 200, '<sip:10.77.0.11>')],
  ];

  it.each(floods)(
    'goes on to the Contact of its INVITE, in whatever order they come: %s',
    (_what, call, flood) => {
      const late = fc.array(fc.nat(12), { minLength: flood.length * 4, maxLength: flood.length * 4 });
      const whole = [...call, ...flood.flat()];
      const expected = only(call);
      fc.assert(
        fc.property(late, (lateness) => {
          const mixed = flood
            .flat()
            .flatMap((message, index) => [
              { message, place: index + (lateness[index * 2] ?? 0) },
              { message, place: index + (lateness[index * 2 + 1] ?? 0) },
            ])
            .sort((a, b) => a.place - b.place)
            .map(({ message }) => message);
          const dialog = only([...call, ...mixed]);
          expect(dialog).toEqual(only(whole));
          expect(dialog).toMatchObject({ remoteTarget: expected.remoteTarget, unsure: [] });
        }),
        { numRuns: 30 },
      );
    },
  );

  it('does not forget a target that may have been taken since', () => {
    const moved = capture('received', 5_000, {
      ...inDialog,
      cseq: '8 UPDATE',
      contact: '<sip:moved@192.0.2.7>',
    });
    const flood = pairs('theirs', 200).slice(1).flat();
    expect(only([...established, moved, ...flood]).unsure).toContain('target-refresh-open');
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
