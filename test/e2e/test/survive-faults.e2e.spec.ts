import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import { phonesOf, reinvitesAfter, type CallPlan, type Crash, type Observation } from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cameBack, HOLD_MS, outcomesOf, Scene, verdictsOf } from '../src/index.js';

/** What is broken around one crash of the node, and mended when the calls are back. */
interface Fault {
  readonly name: string;
  /** Resolves when it is done; the crash comes then. */
  readonly before?: (lab: Lab) => Promise<unknown>;
  /** @param reinvited resolves when the first re-INVITE after the crash has reached a phone. */
  readonly after?: (lab: Lab, reinvited: () => Promise<unknown>) => Promise<unknown>;
  readonly mend: (lab: Lab) => Promise<unknown>;
}

const NATS = ['nats', 'nats-2', 'nats-3'];

const FAULTS: readonly Fault[] = [
  {
    name: 'a NATS server of three is gone',
    before: (lab) => lab.kill('nats-2'),
    mend: (lab) => lab.start('nats-2'),
  },
  {
    name: 'a NATS server of three goes in the middle',
    after: (lab) => lab.kill('nats-3'),
    mend: (lab) => lab.start('nats-3'),
  },
  {
    name: 'all NATS servers are restarted in the middle',
    after: (lab) => Promise.all(NATS.map((server) => lab.restart(server))),
    mend: async () => undefined,
  },
  {
    name: 'Postgres is restarted in the middle',
    after: (lab) => lab.restart('postgres'),
    mend: async () => undefined,
  },
  {
    name: 'a recovery replica is cut off from Postgres',
    before: (lab) => lab.cut('recovery', 'postgres'),
    mend: (lab) => lab.heal('recovery'),
  },
  {
    name: 'an ari-worker is cut off from everything after its originates',
    after: (lab, reinvited) => reinvited().then(() => lab.cut('ari-worker')),
    mend: (lab) => lab.heal('ari-worker'),
  },
  {
    name: 'the disk of Postgres is full when the node dies, and is freed later',
    before: (lab) => lab.fillPostgresDisk(),
    after: async (lab) => {
      await delay(2_000);
      await lab.freePostgresDisk();
      const { units } = await lab.status();
      if (units.find(({ name }) => name === 'postgres')?.state === 'ended') await lab.start('postgres');
    },
    mend: async () => undefined,
  },
];
const NODE = 'ast1';
const BACK_MS = 60_000;

const CALLS: readonly CallPlan[] = [
  { kind: 'app', node: NODE, holdMs: HOLD_MS },
  { kind: 'bridge', node: NODE, holdMs: HOLD_MS },
];

describe('what Reinvite stands on fails while calls are brought back', () => {
  let scene: Scene;
  let seen: Observation;
  const crashes: Crash[] = [];

  const reinvited = (crash: Crash): Promise<unknown> =>
    scene.phones.until('a re-INVITE', (calls) =>
      calls.flatMap(phonesOf).some((phone) => reinvitesAfter(phone, crash.at).length > 0),
    );

  beforeAll(async () => {
    scene = await Scene.open({
      nodes: 3,
      nats: 3,
      postgresDiskMb: 400,
      services: { recovery: 2, 'ari-worker': 2 },
    });
    for (const { before, after, mend } of FAULTS) {
      const numbers = await scene.call(CALLS);
      await before?.(scene.lab);
      const crash = await scene.crash(NODE);
      crashes.push(crash);
      await after?.(scene.lab, () => reinvited(crash));
      await scene.untilBack(crash, BACK_MS);
      await mend(scene.lab);
      await scene.revive(NODE);
      await scene.hangUp(numbers);
    }
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it.each(FAULTS.map(({ name }, index) => [name, index] as const))(
    '%s: every call comes back, with one re-INVITE for each phone (%i)',
    (_, index) => {
      const crash = crashes[index];
      if (crash === undefined) throw new Error('the fault was not played');
      expect(verdictsOf(seen, crash)).toEqual(cameBack(CALLS));
    },
  );

  it('and every call of every life of the node has exactly one outcome', async () => {
    const rows = await outcomesOf(scene.db, NODE);
    expect(rows.map(({ outcome, reason }) => ({ outcome, reason }))).toEqual(
      FAULTS.flatMap(() => CALLS.map(() => ({ outcome: 'recovered', reason: null }))),
    );
  });
});
