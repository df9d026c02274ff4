import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  advance,
  decide,
  newRecovery,
  recoveryEvent,
  restoreCall,
  RESUME_REASONS,
  restoreFact,
  type LegActivity,
  type RecoveryEvent,
  type RestoreFact,
} from '../src/index.js';
import { policy } from './support/policies.js';
import { DIED_AT, flows, planned, PLAYBACK, RECORDING, resumeOf } from './support/resumes.js';

describe('what was going on comes back', () => {
  it('plays on where it was when the node died', () => {
    expect(resumeOf({ activity: { playbacks: [PLAYBACK] } })).toEqual({
      playbacks: [{ id: 'p', media: ['sound:long'], language: 'en', offsetMs: 4_200 }],
    });
  });

  it('counts from the death, not from when it was noticed', () => {
    const resume = resumeOf({ activity: { playbacks: [PLAYBACK] }, diedAt: 98_000 });
    expect(resume?.playbacks).toMatchObject([{ offsetMs: 2_200 }]);
  });

  it('begins at the beginning where clocks disagree', () => {
    const resume = resumeOf({ activity: { playbacks: [{ ...PLAYBACK, startedAt: DIED_AT + 5 }] } });
    expect(resume?.playbacks).toMatchObject([{ offsetMs: 0 }]);
  });

  it('adds what had been heard before an earlier crash, and only to the same playback of the same media', () => {
    const before = { id: 'p', media: ['sound:long'], language: 'en', offsetMs: 7_000 };
    const after = (one: typeof before) =>
      resumeOf({
        activity: { playbacks: [PLAYBACK] },
        remembered: { resumed: { resume: { playbacks: [one] }, told: true } },
      })?.playbacks?.[0]?.offsetMs;
    expect(after(before)).toBe(11_200);
    expect(after({ ...before, id: 'q' })).toBe(4_200);
    expect(after({ ...before, media: ['sound:long', 'sound:next'] })).toBe(4_200);
  });

  it('gives again what the worker had not yet seen to when the next node died', () => {
    const resume = { playbacks: [{ id: 'p', media: ['sound:long'], language: '', offsetMs: 7_000 }] };
    expect(resumeOf({ remembered: { resumed: { resume, told: false } } })).toEqual(resume);
    expect(resumeOf({ remembered: { resumed: { resume, told: true } } })).toBeUndefined();
  });

  it('goes on recording in a part of its own, numbered over any number of crashes', () => {
    const first = resumeOf({ activity: { recordings: [RECORDING] } });
    const part = { format: 'wav', recording: 'rec' };
    expect(first?.recordings).toEqual([
      { ...part, name: 'rec-2', part: 2, from: { name: 'rec', startedAt: 90_000 } },
    ]);
    const second = resumeOf({
      activity: { recordings: [{ ...RECORDING, name: 'rec-2' }] },
      remembered: { resumed: { resume: first ?? {}, told: true } },
    });
    expect(second?.recordings).toMatchObject([{ ...part, name: 'rec-3', part: 3, from: { name: 'rec-2' } }]);
  });

  it('does not take a recording that an application called like a part for one', () => {
    const resume = resumeOf({ activity: { recordings: [{ ...RECORDING, name: 'rec-2' }] } });
    expect(resume?.recordings).toMatchObject([{ recording: 'rec-2', name: 'rec-2-2', part: 2 }]);
  });

  it.each([
    [{ in: true, out: false }, 'in'],
    [{ in: false, out: true }, 'out'],
    [{ in: true, out: true }, 'both'],
    [{ in: false, out: false }, undefined],
  ])('mutes as it was muted: %j', (muted, direction) => {
    expect(resumeOf({ activity: { muted } })?.muted).toBe(direction);
  });

  it('keeps music, role, hold and variables', () => {
    const activity: LegActivity = {
      musicOnHold: 'jazz',
      holdingRole: 'announcer',
      held: { musicClass: 'x', since: 1 },
      variables: { __A: '1' },
    };
    expect(resumeOf({ activity })).toEqual({
      musicOnHold: 'jazz',
      holdingRole: 'announcer',
      holds: { musicClass: 'x' },
      variables: { __A: '1' },
    });
  });

  it('lets a bridge play and record on, where its call is joined in it', () => {
    const command = planned({ bridge: { playbacks: [PLAYBACK], recordings: [RECORDING] } });
    expect(command.bridgeResume).toMatchObject({
      playbacks: [{ id: 'p', offsetMs: 4_200 }],
      recordings: [{ name: 'rec-2' }],
    });
    expect(command.legs[0]?.resume).toBeUndefined();
  });
});

it('has every reason in the documentation', async () => {
  const page = await readFile(new URL('../../../docs/resume.md', import.meta.url), 'utf8');
  const listed = page.slice(page.indexOf('## Reasons')).matchAll(/^\| `([a-z-]+)` *\| (.*?) *\|$/gm);
  expect(Object.fromEntries([...listed].map(([, reason = '', text]) => [reason, text]))).toEqual(
    RESUME_REASONS,
  );
});

describe('who is in charge', () => {
  const activity: LegActivity = {
    playbacks: [PLAYBACK],
    recordings: [RECORDING],
    musicOnHold: 'jazz',
    muted: { in: true, out: false },
  };
  const whats = ['playback:sound:long', 'recording:rec', 'music-on-hold:jazz', 'mute:in'];

  it('is the application where it keeps its state with us', () => {
    const because = whats.map((what) => ({ what, reason: 'application-in-charge' }));
    expect(resumeOf({ activity, flows })).toEqual({ notRestored: because });
    expect(planned({ bridge: { playbacks: [PLAYBACK] }, flows }).bridgeResume).toEqual({
      notRestored: [{ what: 'playback:sound:long', reason: 'application-in-charge' }],
    });
  });

  it('is Reinvite in any case where the policy says so, or never', () => {
    const all = (when: 'always' | 'never') => ({
      policy: policy({ resume: { playback: when, musicOnHold: when, recording: when, mute: when } }),
    });
    const resume = resumeOf({ activity, flows, ...all('always') });
    expect(Object.keys(resume ?? {}).sort()).toEqual(['musicOnHold', 'muted', 'playbacks', 'recordings']);
    const because = whats.map((what) => ({ what, reason: 'policy-forbids' }));
    expect(resumeOf({ activity, ...all('never') })).toEqual({ notRestored: because });
  });
});

describe('what came of it', () => {
  const scene = {
    activity: { playbacks: [PLAYBACK], variables: { A: '1' } },
    bridge: { playbacks: [PLAYBACK] },
  };
  function begun() {
    const command = planned(scene);
    const events = decide(command, { phase: 'unplanned' });
    const { snapshot, effects } = advance(newRecovery(), events);
    const [sent] = effects.flatMap((effect) => (effect.type === 'sendRestoreCall' ? [effect.command] : []));
    if (sent === undefined) throw new Error('no command');
    return { snapshot, sent };
  }
  const factsOf = ({ commandId, recoveryId, callId, legs }: ReturnType<typeof begun>['sent']) => {
    const of = { commandId, recoveryId, callId, attempt: 1, target: 'ast2', at: DIED_AT + 90 };
    const leg = { legId: 'a', channelId: legs[0]?.channelId ?? '' };
    const told = { restored: ['playback:sound:long'], notRestored: [] };
    const facts: RestoreFact[] = [
      { ...of, type: 'LegAnswered', ...leg },
      { ...of, type: 'LegsJoined', bridgeId: 'b' },
      { ...of, type: 'LegResumed', ...leg, ...told },
      { ...of, type: 'BridgeResumed', bridgeId: 'b', ...told },
    ];
    return facts.map((fact) => restoreFact.parse(fact));
  };

  it('goes to the worker with the command, variables to the channel before anything of ours', () => {
    const { sent } = begun();
    expect(restoreCall.parse(sent)).toEqual(sent);
    expect(sent.bridgeResume?.playbacks).toHaveLength(1);
    expect(sent.legs[0]).toMatchObject({
      resume: { playbacks: [{ offsetMs: 4_200 }] },
      variables: { A: '1', REINVITE_CALL_ID: 'a@phone' },
    });
  });

  it.each([
    ['in order', [0, 1, 2, 3]],
    ['before the join', [2, 0, 3, 1]],
    ['twice each', [0, 0, 1, 1, 2, 3, 2, 3]],
  ])('is told once, also after the outcome, and changes nothing of it: %s', (_, order) => {
    const { snapshot: first, sent } = begun();
    const facts = factsOf(sent);
    let snapshot = first;
    const told: RecoveryEvent[] = [];
    for (const n of order) {
      const fact = facts[n];
      if (fact === undefined) throw new Error('no such fact');
      const events = decide(
        { type: 'RecordFact', fact, candidates: [], at: DIED_AT + 100 },
        snapshot.context.recovery,
      );
      told.push(...events.map((event) => recoveryEvent.parse(event)));
      snapshot = advance(snapshot, events).snapshot;
    }
    const count = (type: string) => told.filter((event) => event.type === type).length;
    expect([count('LegResumed'), count('BridgeResumed'), count('RecoveryCompleted')]).toEqual([1, 1, 1]);
    expect(snapshot.context.recovery).toMatchObject({ phase: 'completed', outcome: 'recovered' });
  });

  it('is heeded of no leg and no attempt that there is not', () => {
    const { snapshot, sent } = begun();
    for (const fact of factsOf(sent)) {
      if (fact.type !== 'LegResumed' && fact.type !== 'BridgeResumed') continue;
      const wrong = fact.type === 'LegResumed' ? { ...fact, channelId: 'other' } : { ...fact, attempt: 2 };
      expect(
        decide({ type: 'RecordFact', fact: wrong, candidates: [], at: 1 }, snapshot.context.recovery),
      ).toEqual([]);
    }
  });
});
