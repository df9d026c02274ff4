import { judge, type Crash, type Observation } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, Scene } from '../src/index.js';

const SERVICES = [
  'dialog-ledger',
  'sentinel',
  'recovery',
  'ari-worker',
  'node-agent-ast1',
  'node-agent-ast2',
];

describe('Postgres and NATS go away and come back', () => {
  let scene: Scene;
  let crash: Crash;
  let seen: Observation;
  let pidsBefore: readonly (number | null)[];

  async function pids(): Promise<(number | null)[]> {
    const { units } = await scene.lab.status();
    return SERVICES.map((name) => units.find((unit) => unit.name === name)?.pid ?? null);
  }

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    pidsBefore = await pids();
    await scene.lab.stop('nats');
    await scene.lab.stop('postgres');
    // These calls begin and one node dies while nobody can write anything down.
    await scene.phones.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
    ]);
    await scene.phones.until('all phones to talk', (calls) => {
      const phones = calls.flatMap(({ caller, callee }) => [caller, callee]);
      return phones.filter((phone) => phone !== undefined && phone.invite.ackedAt !== null).length === 5;
    });
    await scene.lab.start('postgres');
    await scene.lab.start('nats');
    await scene.onRecord();
    await scene.lab.stop('postgres');
    crash = await scene.crash('ast1');
    await scene.lab.start('postgres');
    await scene.untilBack(crash);
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('and no service has ended', async () => {
    expect(await pids()).toEqual(pidsBefore);
  });

  it('and calls that began and a node that died meanwhile are not lost', () => {
    expect(judge(seen.calls, crash, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
  });

  it('and everything is in the audit in the end', async () => {
    const rows = await eventually('the outcomes', async () => {
      const { rows: found } = await scene.db.query<{ outcome: string }>(
        'select outcome from audit_recoveries',
      );
      return found.length === 3 && found.every(({ outcome }) => outcome !== 'under way') ? found : undefined;
    });
    expect(rows.map(({ outcome }) => outcome)).toEqual(['recovered', 'recovered', 'recovered']);
  });
});
