import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AmiActivity } from '../src/dialplan/ami-activity.js';

type Packet = Record<string, string>;

function after(...events: readonly Packet[]): AmiActivity {
  const activity = new AmiActivity();
  events.forEach((event, index) => activity.apply(event, 1_000_000 + index));
  return activity;
}

const joins = (id: string, position: number, queue = 'q'): Packet => ({
  Event: 'QueueCallerJoin',
  Uniqueid: id,
  Queue: queue,
  Position: String(position),
  Count: '9',
});
const leaves = (id: string, position: number, queue = 'q'): Packet => ({
  ...joins(id, position, queue),
  Event: 'QueueCallerLeave',
});

describe('what the manager interface tells of legs', () => {
  it('is who they are in a conference: what the event lacks comes with the list', () => {
    const join = { Event: 'ConfbridgeJoin', Uniqueid: 'a', Conference: 'c', Admin: 'Yes', Muted: 'No' };
    const activity = new AmiActivity();
    expect(activity.apply(join, 1)).toEqual({ changed: ['a'], ask: { list: 'ConfbridgeList', name: 'c' } });
    const entry = { ...join, Event: 'ConfbridgeList', MarkedUser: 'Yes', WaitMarked: 'No', EndMarked: 'No' };
    activity.apply(entry, 2);
    activity.apply({ Event: 'ConfbridgeMute', Uniqueid: 'a', Conference: 'c', Admin: 'Yes' }, 3);
    expect(activity.of('a')).toEqual({
      conference: {
        name: 'c',
        admin: true,
        marked: true,
        waitMarked: false,
        endMarked: false,
        muted: true,
      },
    });
    activity.apply({ Event: 'ConfbridgeLeave', Uniqueid: 'a', Conference: 'c', Admin: 'Yes' }, 4);
    expect(activity.of('a')).toBeUndefined();
  });

  it('is where they are parked, until they are not', () => {
    const parked = {
      Event: 'ParkedCall',
      ParkeeUniqueid: 'a',
      Parkinglot: 'default',
      ParkingSpace: '705',
      ParkingTimeout: '40',
      ParkingDuration: '5',
      ParkerDialString: 'PJSIP/alice',
    };
    expect(after(parked).of('a')?.parked).toEqual({
      lot: 'default',
      space: '705',
      timeoutS: 45,
      parker: 'PJSIP/alice',
      parkedAt: 995_000,
    });
    for (const [ParkingTimeout, timeoutS] of [
      ['0', 0],
      ['18446744073709551611', 0],
      ['15', 20],
    ])
      expect(after({ ...parked, ParkingTimeout: String(ParkingTimeout) }).of('a')?.parked).toMatchObject({
        timeoutS,
      });
    for (const Event of ['UnParkedCall', 'ParkedCallTimeOut', 'ParkedCallGiveUp'])
      expect(after(parked, { ...parked, Event }).of('a')).toBeUndefined();
  });

  it('is their place in a queue, which moves with those before them', () => {
    const activity = after(joins('a', 1), joins('b', 2), joins('c', 2), joins('x', 1, 'other'));
    expect(['a', 'c', 'b'].map((id) => activity.of(id)?.queue?.position)).toEqual([1, 2, 3]);
    expect(activity.apply(leaves('a', 1), 5)).toEqual({ changed: ['a'], moved: ['b', 'c'] });
    expect(activity.apply(leaves('a', 1), 6)).toEqual({ changed: [] });
    expect(activity.apply(joins('b', 1), 7).moved).toBeUndefined();
    expect(['c', 'b'].map((id) => activity.of(id)?.queue?.position)).toEqual([1, 2]);
    expect(activity.of('x')?.queue?.position).toBe(1);
    activity.apply({ Event: 'AgentConnect', Uniqueid: 'a', Queue: 'q', HoldTime: '3' }, 10_000);
    expect(activity.of('a')?.queue).toEqual({ name: 'q', joinedAt: 7_000 });
  });

  it('keeps since when they have waited over a list that counts seconds, and takes their priority from it', () => {
    const entry = { ...joins('a', 1), Event: 'QueueEntry', Wait: '7', Priority: '4' };
    expect(after(entry).of('a')?.queue).toMatchObject({ joinedAt: 993_000, priority: 4 });
    expect(after(joins('a', 1), entry).of('a')?.queue).toMatchObject({ joinedAt: 1_000_000, priority: 4 });
  });

  it('is what a list says as a whole, save of those who talk to a member already', () => {
    const activity = after(joins('a', 1), joins('b', 2), joins('c', 3));
    activity.apply(leaves('a', 1), 5);
    activity.apply({ Event: 'AgentConnect', Uniqueid: 'a', Queue: 'q' }, 6);
    const entry = { ...joins('c', 1), Event: 'QueueEntry', Wait: '1', Priority: '0' };
    expect(activity.replace({ list: 'QueueStatus', name: 'q' }, [entry], 9).sort()).toEqual(['b', 'c']);
    expect(['a', 'b', 'c'].map((id) => activity.of(id)?.queue?.position)).toEqual([undefined, undefined, 1]);
    expect(activity.known.sort()).toEqual(['a', 'c']);
  });

  it('keeps over a new login what no list tells, of those who have not hung up meanwhile', () => {
    const music = (id: string) => ({ Event: 'MusicOnHoldStart', Uniqueid: id, Class: 'jazz' });
    const before = after(music('a'), joins('b', 1), music('gone'));
    before.apply({ Event: 'AgentConnect', Uniqueid: 'c', Queue: 'q' }, 6);
    const now = new AmiActivity();
    now.keepFrom(before, (id) => id !== 'gone');
    expect(now.known.sort()).toEqual(['a', 'c']);
  });

  it('agrees with a queue that is kept by hand, whoever joins where and leaves when', () => {
    const step = fc.record({ join: fc.boolean(), where: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const activity = new AmiActivity();
        const queue: string[] = [];
        steps.forEach(({ join, where }, index) => {
          const at = where % (queue.length + (join ? 1 : 0) || 1);
          if (join) {
            queue.splice(at, 0, `c${index}`);
            activity.apply(joins(`c${index}`, at + 1), index);
          } else {
            const [gone] = queue.splice(at, 1);
            if (gone !== undefined) activity.apply(leaves(gone, at + 1), index);
          }
        });
        expect(queue.map((id) => activity.of(id)?.queue?.position)).toEqual(queue.map((_, i) => i + 1));
        expect(activity.known.sort()).toEqual([...queue].sort());
      }),
    );
  });

  it('is music on hold by its class, and nothing of one that has hung up', () => {
    const start = { Event: 'MusicOnHoldStart', Uniqueid: 'a', Class: 'jazz' };
    expect(after(start).of('a')).toEqual({ musicOnHold: 'jazz' });
    expect(after(start, { Event: 'Hangup', Uniqueid: 'a' }).known).toEqual([]);
    expect(after(start, { Event: 'MusicOnHoldStop', Uniqueid: 'a' }).known).toEqual([]);
  });

  it('is nothing where a header lacks or says what it cannot', () => {
    const names = fc.constantFrom(
      'ConfbridgeJoin',
      'ParkedCall',
      'QueueCallerJoin',
      'QueueEntry',
      'AgentConnect',
    );
    const value = fc.constantFrom(undefined, '', '0', '-1', 'Yes', 'x', '99999999999999999999');
    const packet = fc.record({
      Event: names,
      Uniqueid: value,
      ParkeeUniqueid: value,
      Queue: value,
      Position: value,
      Conference: value,
      ParkingTimeout: value,
      Parkinglot: value,
      ParkingSpace: value,
      Wait: value,
    });
    fc.assert(
      fc.property(packet, (event) => {
        const activity = new AmiActivity();
        activity.apply(event, 1_000);
        for (const id of activity.known) {
          const { queue, parked, conference } = activity.of(id) ?? {};
          expect(queue?.position ?? 1).toBeGreaterThanOrEqual(1);
          expect(
            [queue?.name, parked?.lot, conference?.name].some((name) => name !== undefined && name !== ''),
          ).toBe(true);
        }
      }),
    );
  });
});
