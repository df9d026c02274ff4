import { describe, expect, it } from 'vitest';
import {
  advance,
  newRecovery,
  restoreCall,
  type LegResume,
  type RecoveryCommand,
  type RestoreCall,
  type TargetDied,
} from '../src/index.js';
import { candidate, factsOf, planRecovery, plannedLeg, record, recoveryId } from './support/recoveries.js';
import { given } from './support/specification.js';

const PLAYBACK = { id: 'p', media: ['sound:long'], language: 'en', offsetMs: 4_200 };
const bridgeResume = { playbacks: [PLAYBACK] };
const first = factsOf(1, 'ast2');
const second = factsOf(2, 'ast2');
const ast2 = [candidate('ast2')];
const due = (attempt: number, at: number): RecoveryCommand => ({
  type: 'StartAttempt',
  attempt,
  candidates: ast2,
  at,
});

/** What the workers are sent of a pair whose bridge was playing, the first command left out. */
function sentLater(commands: RecoveryCommand[], holds?: LegResume['holds']): RestoreCall[] {
  const holder = plannedLeg('leg-0', holds === undefined ? {} : { resume: { holds } });
  const plan = planRecovery(2, { bridgeResume, legs: [holder, plannedLeg('leg-1')] });
  const planned = given([]).when(plan).events;
  const { effects } = advance(newRecovery(), [...planned, ...given(planned).when(...commands).events]);
  const [begun, ...later] = effects.flatMap((effect) =>
    effect.type === 'sendRestoreCall' ? [restoreCall.parse(effect.command)] : [],
  );
  expect(begun).toMatchObject({ bridgeResume });
  return later;
}

describe('what was going on in a bridge, where a leg of it is tried again', () => {
  const collided = (leg: number): RecoveryCommand => record(first.refused(leg, true, 'REINVITE_COLLIDED'));
  const oneBack = [record(first.answered(0)), collided(1)];
  const died = (change: Partial<TargetDied> = {}): RecoveryCommand => ({
    type: 'TargetDied',
    nodeId: 'ast2',
    incarnation: 'life-of-ast2',
    takenOver: new Set(),
    ended: new Set(),
    candidates: [candidate('ast3')],
    at: 14_300,
    ...change,
  });

  it('is not begun a second time where another leg is back', () => {
    const collidedAgain = [record(second.refused(1, true, 'REINVITE_COLLIDED')), due(3, 20_000)];
    const later = sentLater([...oneBack, due(2, 14_200), ...collidedAgain]);
    expect(later.map(({ legs }) => legs.map(({ legId }) => legId))).toEqual([['leg-1'], ['leg-1']]);
    expect(later.map((command) => command.bridgeResume)).toEqual([undefined, undefined]);
  });

  it('is not begun a second time where it is told of it, though who was in the bridge is not', () => {
    const resumed = record({
      ...first.joined(),
      type: 'BridgeResumed',
      bridgeId: 'bridge-1',
      restored: [],
      notRestored: [],
    });
    const [again] = sentLater([collided(0), resumed, collided(1), due(2, 14_200)]);
    expect(again?.legs).toHaveLength(2);
    expect(again?.bridgeResume).toBeUndefined();
  });

  it('is begun where nobody is back yet', () => {
    expect(sentLater([collided(0), collided(1), due(2, 14_200)])).toMatchObject([{ bridgeResume }]);
  });

  it('is begun anew on another node, and in another life of the same', () => {
    for (const candidates of [[candidate('ast3')], [candidate('ast2', 0, false, { incarnation: 'next' })]]) {
      const later = sentLater([...oneBack, due(2, 14_200), died({ candidates })]);
      expect(later.map((command) => command.bridgeResume)).toEqual([undefined, bridgeResume]);
    }
  });

  it('tells who comes later that the phone of one who is back holds', () => {
    const [again] = sentLater([...oneBack, due(2, 14_200)], { musicClass: 'jazz' });
    expect(again?.holding).toEqual([{ channelId: `reinvite-${recoveryId}-0-1`, musicClass: 'jazz' }]);
    expect(sentLater([...oneBack, due(2, 14_200)])).not.toHaveProperty('0.holding');
  });
});
