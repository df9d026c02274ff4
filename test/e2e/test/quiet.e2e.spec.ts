import { setTimeout as delay } from 'node:timers/promises';
import { byeOf, phonesOf } from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, recoveriesOf, Scene } from '../src/index.js';

const STOP_MS = 5_000;
/** From the end of a disturbance until a wrong verdict would have led to a fence, with room. */
const SETTLE_MS = 4_000;
const CENTRAL = ['dialog-ledger', 'sentinel', 'recovery', 'ari-worker'];

/** The lab's sentinel has a fence command, so that a node which is taken for dead by mistake is killed. */
describe('what stands still in Reinvite itself is held against no node', () => {
  let scene: Scene;
  let pids: readonly (number | null)[];

  const nodePids = async (): Promise<readonly (number | null)[]> => {
    const { units } = await scene.lab.status();
    return ['ast1', 'ast2'].map((name) => units.find((unit) => unit.name === name)?.pid ?? null);
  };
  const decided = async (): Promise<string[]> => {
    const { rows } = await scene.db.query<{ type: string }>(
      `select type from events where stream_id in ('node-ast1', 'node-ast2')
       and type in ('NodeFenced', 'FenceFailed', 'NodeDown') order by position`,
    );
    return rows.map(({ type }) => type);
  };
  /** A process that is stopped for a while, and goes on. */
  const standStill = async (name: string): Promise<void> => {
    await scene.lab.hang(name);
    await delay(STOP_MS);
    await scene.lab.heal(name);
    await delay(SETTLE_MS);
  };

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast2', holdMs: HOLD_MS },
    ]);
    pids = await nodePids();
  });
  afterAll(() => scene.close());

  it.each(['sentinel', 'nats', 'postgres', 'node-agent-ast1'])('%s, for five seconds', async (name) => {
    await standStill(name);
    expect(await decided()).toEqual([]);
    expect(await nodePids()).toEqual(pids);
  });

  it('NATS, started anew after five seconds', async () => {
    await scene.lab.stop('nats');
    await delay(STOP_MS);
    await scene.lab.start('nats');
    await delay(SETTLE_MS);
    expect(await decided()).toEqual([]);
    expect(await nodePids()).toEqual(pids);
  });

  it('every service, restarted one after the other', async () => {
    for (const name of [...CENTRAL, 'node-agent-ast1', 'node-agent-ast2']) await scene.lab.restart(name);
    await delay(SETTLE_MS);
    expect(await decided()).toEqual([]);
    expect(await nodePids()).toEqual(pids);
  });

  it('and the calls go on to their own end, without a re-INVITE', async () => {
    const seen = await scene.untilEnded();
    const phones = seen.calls.flatMap(phonesOf);
    expect(phones).toHaveLength(3);
    for (const phone of phones) {
      expect(phone.requests.map(({ method }) => method)).toEqual(['BYE']);
      expect(byeOf(phone)?.answer?.status).toBe(200);
    }
    expect(await recoveriesOf(scene.db, 'ast1')).toEqual([]);
    expect(await recoveriesOf(scene.db, 'ast2')).toEqual([]);
  });
});
