import { describe, expect, it } from 'vitest';
import {
  advance,
  channelIdOf,
  decide,
  newRecovery,
  recoveryIdOf,
  recoveryOfChannel,
  restoreCall,
  unplanned,
  type LegPlace,
  type PlannedLeg,
} from '../src/index.js';
import { plannedLeg, planRecovery, recoveryId } from './support/recoveries.js';

function commandFor(legs: PlannedLeg[], join = planRecovery(2).call.join) {
  const events = decide(planRecovery(2, { legs, call: { ...planRecovery(2).call, join } }), unplanned);
  const [effect] = advance(newRecovery(), events).effects;
  if (effect?.type !== 'sendRestoreCall') throw new Error('no command');
  return effect.command;
}

const placed = (place: LegPlace, n = 0): PlannedLeg => plannedLeg(`leg-${n}`, { place });
const caller: LegPlace = {
  kind: 'dial-caller',
  context: 'from-edge',
  extension: 'dial-1',
  priority: 3,
  continues: true,
};

describe('the command to restore a call', () => {
  it('fits the contract with the ari-worker', () => {
    const command = commandFor([plannedLeg('leg-0'), plannedLeg('leg-1')]);
    expect(restoreCall.parse(command)).toEqual(command);
    expect(command.legs.map((leg) => leg.channelId)).toEqual([
      channelIdOf(recoveryId, 0, 1),
      channelIdOf(recoveryId, 1, 1),
    ]);
    expect(command.join).toMatchObject({ kind: 'ari-bridge', bridgeId: 'bridge-1' });
  });

  it('gives a leg back to its ARI application with the id of the call', () => {
    const [leg] = commandFor([plannedLeg('leg-0')]).legs;
    expect(leg?.continuation).toEqual({ kind: 'stasis', app: 'demo', args: ['recovered', 'call-1'] });
    expect(leg?.requestUri).toBe('sip:phone@10.0.0.9:5060');
    expect(leg?.variables).toMatchObject({ REINVITE_CALL_ID: 'call-1', REINVITE_RECOVERY_ID: recoveryId });
  });

  it('gives every leg the linkage of the call’s first node, where that is known', () => {
    const plan = planRecovery(2, { legs: [plannedLeg('leg-0'), plannedLeg('leg-1')] });
    const variables = (linkedId?: string) => {
      const call = linkedId === undefined ? plan.call : { ...plan.call, linkedId };
      const [effect] = advance(newRecovery(), decide({ ...plan, call }, unplanned)).effects;
      if (effect?.type !== 'sendRestoreCall') throw new Error('no command');
      return effect.command.legs.map((leg) => leg.variables.REINVITE_LINKEDID);
    };
    expect(variables('ast1-1.1')).toEqual(['ast1-1.1', 'ast1-1.1']);
    expect(variables()).toEqual([undefined, undefined]);
  });

  it('lets the pair of Dial meet in the dialplan, the caller with the place to which it goes on', () => {
    const { legs } = commandFor([placed(caller), placed({ kind: 'dial-callee' }, 1)], { kind: 'dialplan' });
    expect(legs[0]?.continuation).toEqual({
      kind: 'dialplan',
      context: 'reinvite-recovered',
      extension: 'dial-caller',
      priority: 1,
    });
    expect(legs[0]?.variables).toMatchObject({
      REINVITE_CONTEXT: 'from-edge',
      REINVITE_EXTENSION: 'dial-1',
      REINVITE_PRIORITY: '3',
      REINVITE_DIAL_CONTINUE: '1',
      REINVITE_JOIN_TIMEOUT: '30',
    });
    expect(legs[1]?.continuation).toMatchObject({ extension: 'dial-callee' });
    expect(legs[1]?.variables).not.toHaveProperty('REINVITE_CONTEXT');
  });

  it('does not let the one leg of a pair that comes back wait for the other', () => {
    const { legs } = commandFor([placed({ ...caller, continues: false })], { kind: 'dialplan' });
    expect(legs[0]?.variables).toMatchObject({ REINVITE_JOIN_TIMEOUT: '1' });
    expect(legs[0]?.variables).not.toHaveProperty('REINVITE_DIAL_CONTINUE');
  });

  it('lets a leg of the dialplan go on at its own place', () => {
    const place: LegPlace = { kind: 'dialplan', context: 'from-edge', extension: 'echo', priority: 2 };
    expect(commandFor([placed(place)]).legs[0]?.continuation).toEqual(place);
  });
});

describe('ids', () => {
  it('tell the recovery of a replacement channel, and that of no other channel', () => {
    const id = recoveryIdOf('ast1', '1000', 'call-1');
    expect(recoveryOfChannel(channelIdOf(id, 3, 2))).toEqual({ recoveryId: id, leg: 3, attempt: 2 });
    expect(recoveryOfChannel('1700000000.12')).toBeNull();
  });

  it('differ where node, incarnation and call differ, also where they read the same in a row', () => {
    const ids = [recoveryIdOf('a', 'bc', 'd'), recoveryIdOf('ab', 'c', 'd'), recoveryIdOf('a', 'b', 'cd')];
    expect(new Set(ids).size).toBe(3);
  });
});
