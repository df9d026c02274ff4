import {
  answeredAfter,
  byeOf,
  phonesOf,
  type CallPlan,
  type Crash,
  type ObservedCall,
  type Observation,
} from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, Scene, untilBilled, type CallDetail } from '../src/index.js';

/** What moments of a phone and of Asterisk may differ by on a machine that is busy with all of them. */
const TOLERANCE_MS = 5_000;

const ONE_OF_EACH: readonly CallPlan[] = [
  { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
  { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS },
  { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
];

/** What the caller's phone saw: from its 200 to the BYE, and from each crash to the first phone that answered again, in ms. */
function asSeen(call: ObservedCall, crashes: readonly Crash[]): { talkedMs: number; gapMs: number } {
  const from = call.caller.invite.answer?.at ?? NaN;
  const to = byeOf(call.caller)?.at ?? NaN;
  const gaps = crashes
    .filter(({ at }) => at > from && at < to)
    .map(({ at }) => Math.min(...phonesOf(call).map((phone) => answeredAfter(phone, at) ?? NaN)));
  const gapMs = gaps.reduce((sum, ms) => sum + ms, 0);
  return { talkedMs: to - from - gapMs, gapMs };
}

function callOf(seen: Observation, number: string): ObservedCall {
  const call = seen.calls.find((one) => one.number === number);
  if (call === undefined) throw new Error(`no phone saw the call of ${number}`);
  return call;
}

function expectBilled(
  details: readonly CallDetail[],
  call: ObservedCall,
  crashes: readonly Crash[],
  nodes: readonly string[],
): void {
  expect(details).toHaveLength(1);
  const [detail] = details;
  if (detail === undefined) return;
  const { talkedMs, gapMs } = asSeen(call, crashes);
  expect(detail).toMatchObject({ outcome: 'ended', nodes, parts: nodes.length });
  expect(Math.abs(detail.billedMs - talkedMs)).toBeLessThan(TOLERANCE_MS);
  expect(Math.abs(detail.gapMs - gapMs)).toBeLessThan(TOLERANCE_MS);
  if (nodes.length > 1) expect(detail.gapMs).toBeGreaterThan(0);
  else expect(detail.gapMs).toBe(0);
  expect(detail.endedAt - detail.startedAt - detail.gapMs).toBeCloseTo(detail.durationMs, -1);
}

describe('calls whose node dies, and the next one too, have one billing record each', () => {
  let scene: Scene;
  let crashes: readonly Crash[];
  let seen: Observation;
  let before: string[];
  let once: string[];
  let twice: string[];
  let details: Map<string, CallDetail[]>;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2, billing: true });
    before = await scene.call([{ kind: 'app', node: 'ast1', holdMs: HOLD_MS }]);
    await scene.hangUp(before);
    twice = await scene.call(ONE_OF_EACH);
    once = await scene.call(ONE_OF_EACH);
    const first = await scene.crash('ast1');
    await scene.untilBack(first);
    await scene.revive('ast1');
    await scene.hangUp(once);
    await scene.onRecord();
    const second = await scene.crash('ast2');
    await scene.untilBack(second);
    crashes = [first, second];
    seen = await scene.untilEnded();
    details = await untilBilled(scene.db, [...before, ...once, ...twice]);
  });
  afterAll(() => scene.close());

  it('and nothing else is billed', () => {
    expect([...details.keys()].sort()).toEqual([...before, ...once, ...twice].sort());
  });

  it('a call that was over before has the record that Asterisk wrote', async () => {
    const [number = ''] = before;
    expectBilled(details.get(number) ?? [], callOf(seen, number), crashes, ['ast1']);
    const { rows } = await scene.db.query(
      'select node_id, written_by, disposition from cdr where call_linkedid = $1',
      [details.get(number)?.[0]?.linkedid],
    );
    expect(rows).toEqual([{ node_id: 'ast1', written_by: 'asterisk', disposition: 'ANSWERED' }]);
  });

  it.each([0, 1, 2])('after one crash: call %i, until its phone hangs up', (index) => {
    const number = once[index] ?? '';
    expectBilled(details.get(number) ?? [], callOf(seen, number), crashes, ['ast1', 'ast2']);
  });

  it.each([0, 1, 2])('after two crashes: call %i, without both gaps', (index) => {
    const number = twice[index] ?? '';
    expectBilled(details.get(number) ?? [], callOf(seen, number), crashes, ['ast1', 'ast2', 'ast1']);
  });

  it('and all parts of a call have the linkage of the first', async () => {
    for (const number of [...once, ...twice]) {
      const linkedid = details.get(number)?.[0]?.linkedid;
      const { rows } = await scene.db.query<{ linked: string }>(
        'select distinct linked_id as linked from legs where sip_call_id = any($1)',
        [phonesOf(callOf(seen, number)).map(({ callId }) => callId)],
      );
      expect(rows.map(({ linked }) => linked)).toEqual([linkedid]);
      const { rows: parts } = await scene.db.query<{ written: string }>(
        `select distinct part || ' ' || written_by as written from cdr_kept where call_linkedid = $1`,
        [linkedid],
      );
      // The last part alone has an Asterisk that lived to write it.
      expect(parts.filter(({ written }) => written.endsWith(' asterisk'))).toHaveLength(1);
      expect(parts).toHaveLength(twice.includes(number) ? 3 : 2);
    }
  });

  it('and every node has told its channel events', async () => {
    const { rows } = await scene.db.query<{ node_id: string }>(
      `select distinct node_id from cel where eventtype = 'BRIDGE_ENTER' order by node_id`,
    );
    expect(rows.map((row) => row.node_id)).toEqual(['ast1', 'ast2']);
  });
});

describe('Postgres is away when a node dies, and when it is started again', () => {
  let scene: Scene;
  let crash: Crash;
  let seen: Observation;
  let over: string[];
  let later: string[];
  let alive: string[];
  let details: Map<string, CallDetail[]>;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2, billing: true });
    alive = await scene.call(ONE_OF_EACH);
    over = await scene.call([{ kind: 'dial', node: 'ast2', holdMs: HOLD_MS }]);
    await scene.lab.stop('postgres');
    await scene.phones.hangUp(over);
    crash = await scene.crash('ast1');
    await scene.lab.start('postgres');
    await scene.untilBack(crash);
    await scene.lab.stop('postgres');
    await scene.revive('ast1');
    await scene.lab.start('postgres');
    later = await scene.call([{ kind: 'app', node: 'ast1', holdMs: HOLD_MS }]);
    seen = await scene.untilEnded();
    details = await untilBilled(scene.db, [...alive, ...over, ...later]);
  });
  afterAll(() => scene.close());

  it.each([0, 1, 2])('call %i of that node is billed without its gap', (index) => {
    const number = alive[index] ?? '';
    expectBilled(details.get(number) ?? [], callOf(seen, number), [crash], ['ast1', 'ast2']);
  });

  it.each([
    ['a call whose end Asterisk could not write', () => over, 'ast2'],
    ['a call of the node that found no Postgres at its start', () => later, 'ast1'],
  ])('%s is billed from the call records', async (_, numbers, node) => {
    const [number = ''] = numbers();
    expectBilled(details.get(number) ?? [], callOf(seen, number), [], [node]);
    const { rows } = await scene.db.query<{ by: string }>(
      'select written_by as by from cdr where call_linkedid = $1',
      [details.get(number)?.[0]?.linkedid],
    );
    expect(rows).toEqual([{ by: 'reinvite' }]);
  });
});

describe('the node that takes the calls over cannot reach Postgres', () => {
  let scene: Scene;
  let crash: Crash;
  let seen: Observation;
  let numbers: string[];
  let details: Map<string, CallDetail[]>;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2, billing: true });
    numbers = await scene.call(ONE_OF_EACH);
    await scene.lab.cut('ast2', 'postgres');
    crash = await scene.crash('ast1');
    await scene.untilBack(crash);
    seen = await scene.untilEnded();
    details = await untilBilled(scene.db, numbers);
  });
  afterAll(() => scene.close());

  it.each([0, 1, 2])('call %i comes back as ever, and is billed in full from the call records', (index) => {
    const number = numbers[index] ?? '';
    expectBilled(details.get(number) ?? [], callOf(seen, number), [crash], ['ast1', 'ast2']);
  });

  it('and all of it is by Reinvite: nothing of that node has arrived', async () => {
    const { rows: written } = await scene.db.query<{ by: string }>(
      `select distinct written_by as by from cdr where node_id = 'ast2' and answer is not null`,
    );
    expect(written).toEqual([{ by: 'reinvite' }]);
  });
});
