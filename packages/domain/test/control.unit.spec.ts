import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideControl,
  evolveControl,
  flappingOf,
  massFailureOf,
  running,
  type Control,
  type ControlCommand,
  type ControlEvent,
  type NodeDeath,
} from '../src/index.js';

const limit = { share: 0.5, minNodes: 2, withinMs: 10_000 };
const nodesOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `ast${n + 1}`);
const death = (nodeId: string, at: number, incarnation = `life-of-${nodeId}`): NodeDeath => ({
  nodeId,
  incarnation,
  at,
});
const nobody: ReadonlySet<string> = new Set();
const deathsOf = (count: number): NodeDeath[] => nodesOf(count).map((id, n) => death(id, 1_000 + n));

describe('a mass failure', () => {
  it.each([
    [1, 1, false],
    [2, 1, false],
    [2, 2, true],
    [3, 1, false],
    [3, 2, true],
    [4, 2, false],
    [4, 3, true],
    [10, 5, false],
    [10, 6, true],
  ])('of %i nodes with %i down: %s', (count, down, expected) => {
    expect(massFailureOf(deathsOf(down), nodesOf(count), nobody, limit) !== null).toBe(expected);
  });

  it('is none where the deaths lie far apart, or a node is back, or is not one of ours', () => {
    const nodes = nodesOf(3);
    expect(massFailureOf([death('ast1', 0), death('ast2', 10_001)], nodes, nobody, limit)).toBeNull();
    expect(massFailureOf([death('ast1', 0), death('ast2', 10_000)], nodes, nobody, limit)).toHaveLength(2);
    expect(massFailureOf(deathsOf(2), nodes, new Set(['ast1']), limit)).toBeNull();
    expect(massFailureOf([death('ast1', 1), death('elsewhere', 2)], nodes, nobody, limit)).toBeNull();
  });

  it('counts a node once, however often it died, and never exceeds a share of 1', () => {
    const twice = [death('ast1', 1, 'one'), death('ast1', 2, 'two')];
    expect(massFailureOf(twice, nodesOf(3), nobody, limit)).toBeNull();
    expect(massFailureOf(deathsOf(3), nodesOf(3), nobody, { ...limit, share: 1 })).toBeNull();
  });
});

describe('what holds recovery back', () => {
  const stop: ControlCommand = { type: 'Stop', requestedBy: 'alice', reason: 'upgrade', at: 1 };
  const resume: ControlCommand = { type: 'Resume', requestedBy: 'bob', reason: 'done', at: 5_000 };
  const note = (deaths: readonly NodeDeath[], at: number): ControlCommand => {
    return { type: 'NoteDeaths', deaths, nodeIds: nodesOf(3), back: nobody, limit, at };
  };
  const after = (...commands: ControlCommand[]): { control: Control; events: ControlEvent[] } => {
    let control = running;
    const events: ControlEvent[] = [];
    for (const command of commands) {
      const next = decideControl(command, control);
      events.push(...next);
      control = next.reduce(evolveControl, control);
    }
    return { control, events };
  };

  it('is stopped once, however often it is asked, and goes on', () => {
    const { control, events } = after(stop, stop, resume, resume);
    expect(events.map(({ type }) => type)).toEqual(['RecoveryStopped', 'RecoveryResumed']);
    expect(control).toEqual({ stopped: null, massFailure: null, resumedAt: 5_000 });
  });

  it('is a mass failure once, until an operator has looked at it', () => {
    const deaths = deathsOf(2);
    const { control, events } = after(note(deaths, 1_100), note(deathsOf(3), 1_200));
    expect(events).toMatchObject([{ type: 'MassFailureDeclared', incidentId: 'incident-1100', nodes: 3 }]);
    expect(control.massFailure?.dead.map(({ nodeId }) => nodeId)).toEqual(['ast1', 'ast2']);
  });

  it('is not held back again by deaths that an operator has looked at', () => {
    const { control } = after(note(deathsOf(2), 1_100), resume, note(deathsOf(2), 5_100));
    expect(control.massFailure).toBeNull();
    const later = [death('ast1', 6_000, 'b'), death('ast2', 6_001, 'b')];
    expect(after(note(deathsOf(2), 1_100), resume, note(later, 6_100)).control.massFailure).not.toBeNull();
  });

  it('stays stopped when nodes die', () => {
    expect(after(stop, note(deathsOf(2), 1_100)).control).toMatchObject({
      stopped: { requestedBy: 'alice', reason: 'upgrade', at: 1 },
      massFailure: { at: 1_100 },
    });
  });
});

describe('a node that flaps', () => {
  const flapping = { crashes: 2, withinMs: 1_000 };

  it('is one that died again within the time, for that time', () => {
    expect(flappingOf([0, 1_000], flapping, 1_500)).toEqual({ crashes: [0, 1_000], until: 2_000 });
    expect(flappingOf([0, 1_000], flapping, 2_000)).toBeNull();
    expect(flappingOf([0, 1_001], flapping, 1_100)).toBeNull();
    expect(flappingOf([500], flapping, 600)).toBeNull();
  });

  it('is shunned no less because it died once more', () => {
    const deaths = fc.array(fc.nat(5_000), { maxLength: 8 });
    fc.assert(
      fc.property(deaths, fc.nat(5_000), fc.integer({ min: 2, max: 4 }), (all, now, crashes) => {
        const before = flappingOf(all, { crashes, withinMs: 700 }, now);
        const then = flappingOf([...all, now], { crashes, withinMs: 700 }, now);
        expect(then?.until ?? 0).toBeGreaterThanOrEqual(before?.until ?? 0);
      }),
    );
  });
});
