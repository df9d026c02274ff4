import { judge, type Crash, type Observation } from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deathsOf, HOLD_MS, Scene } from '../src/index.js';

describe('an Asterisk hangs: its process lives and says nothing', () => {
  let scene: Scene;
  let crash: Crash;
  let seen: Observation;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS },
    ]);
    const { at } = await scene.lab.hang('ast1');
    crash = { node: 'ast1', at };
    await scene.untilBack(crash);
    // Should it still be alive, it would now speak for dialogs that another node holds.
    await scene.lab.heal('ast1').catch(() => undefined);
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('and is killed before anything of it is taken over', async () => {
    expect(await deathsOf(scene.db, 'ast1')).toEqual([{ evidence: 'fenced', fenced: true }]);
    const { units } = await scene.lab.status();
    expect(units.find(({ name }) => name === 'ast1')).toMatchObject({ state: 'ended', ended: 'SIGKILL' });
  });

  it('and its calls come back', () => {
    expect(judge(seen.calls, crash, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
  });
});
