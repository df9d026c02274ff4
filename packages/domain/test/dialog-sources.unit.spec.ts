import { describe, expect, it } from 'vitest';
import { advance, newRecovery, type Disagreement } from '../src/index.js';
import { planRecovery } from './support/recoveries.js';
import { given } from './support/specification.js';

const disagreement: Disagreement = {
  legId: 'leg-0',
  sipCallId: 'leg-0@phone',
  localTag: 'ours',
  remoteTag: 'theirs',
  fields: [{ field: 'remoteTarget', ledger: '"sip:a"', homer: '"sip:b"' }],
  unsure: { ledger: ['creation-unseen'], homer: [] },
};
const waitedFor = { source: 'homer', ms: 6_612 } as const;
const skipped = [{ legId: 'leg-0', sipCallId: 'x', endpoint: 'edge', reason: 'homer-unanswered' }];

describe('a call whose dialogs two sources were asked for', () => {
  it('says how long it waited, and what they do not say alike, before it is attempted', () => {
    given([])
      .when(planRecovery(1, { waitedFor, disagreements: [disagreement] }))
      .then(
        { type: 'RecoveryPlanned', waitedFor },
        { type: 'DialogSourcesDisagreed', ...disagreement, at: 10_000 },
        { type: 'AttemptStarted', attempt: 1 },
      );
  });

  it('says so too where nothing comes back', () => {
    given([])
      .when(planRecovery(1, { legs: [], skipped, waitedFor, disagreements: [disagreement] }))
      .then(
        { type: 'RecoveryPlanned', waitedFor },
        { type: 'DialogSourcesDisagreed' },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'homer-unanswered' },
      );
  });

  it('says nothing of a wait where there was none', () => {
    const [planned] = given([]).when(planRecovery(1)).events;
    expect(planned).not.toHaveProperty('waitedFor');
  });

  it('takes a disagreement that is found later, and is otherwise as it was', () => {
    const note = { type: 'NoteDisagreements', disagreements: [disagreement], at: 17_000 } as const;
    const { events, state } = given([]).when(planRecovery(1));
    const noted = given(events).when(note);
    noted.then({ type: 'DialogSourcesDisagreed', callId: 'call-1', ...disagreement, at: 17_000 });
    expect(noted.state).toEqual(state);
    given([]).when(note).thenNothing();
    const before = advance(newRecovery(), events).snapshot;
    const after = advance(before, noted.events);
    expect(after.effects).toEqual([]);
    expect(after.snapshot.value).toEqual(before.value);
  });
});
