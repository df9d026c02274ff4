import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { byeOf, phonesOf, type Observation } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flood, HOLD_MS, recoveriesOf, Scene } from '../src/index.js';

/** How long Asterisk gets no processor at a time, and how long it then has one. */
const STARVED_MS = 300;
const RUNNING_MS = 300;
const PULSES = 8;
/** Where this process gets no processor itself, a pulse lasts longer, says nothing, and is repeated. */
const TOO_LONG_MS = 800;
const TRIES = 10 * PULSES;
/** Requests without a pause: many times what waits at Asterisk's high-water mark. */
const FLOOD = 3_000;
/** Longer than it takes from the last heartbeat to the fence command: 1 s to the suspicion, 1 s to the fence, 1 s for the agent. */
const AGENT_AWAY_MS = 5_000;

/** The lab's sentinel has a fence command, so that a node which is taken for dead by mistake is killed. */
describe('a node that is alive is not taken for dead', () => {
  let scene: Scene;
  let seen: Observation;

  /** A suspicion alone does no harm, and on a machine that is short of processor itself it is right. */
  const decided = async (): Promise<string[]> => {
    const { rows } = await scene.db.query<{ type: string }>(
      `select type from events where stream_id in ('node-ast1', 'node-ast2')
       and type in ('NodeFenced', 'FenceFailed', 'NodeDown') order by position`,
    );
    return rows.map(({ type }) => type);
  };
  /** @returns whether it was as long as it was meant to be. */
  const starve = async (): Promise<boolean> => {
    const { at: from } = await scene.lab.hang('ast1');
    await delay(STARVED_MS);
    const { at: to } = await scene.lab.heal('ast1');
    await delay(RUNNING_MS);
    return to - from <= TOO_LONG_MS;
  };

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
    ]);
  });
  afterAll(() => scene.close());

  it('while it is short of processor', async () => {
    let pulses = 0;
    for (let tries = 0; pulses < PULSES && tries < TRIES; tries += 1) pulses += (await starve()) ? 1 : 0;
    expect(pulses).toBe(PULSES);
    expect(await decided()).toEqual([]);
  });

  it('while it gets more requests than it gets round to', async () => {
    // Asterisk drops OPTIONS without a word once a taskprocessor has 500 tasks waiting.
    await flood(scene.lab, 'ast1', FLOOD);
    const { stdout } = await scene.lab.exec('ast1', ['asterisk', '-rx', 'core show uptime']);
    expect(stdout).toContain('System uptime');
    expect(await decided()).toEqual([]);
  });

  it('while its agent is stopped, and when that is back', async () => {
    await scene.lab.stop('node-agent-ast1');
    const sentinelSays = async (words: string): Promise<boolean> =>
      (await readFile(path.join(scene.lab.info.logs, 'sentinel.log'), 'utf8')).includes(words);
    await eventually('the sentinel to miss the agent', () => sentinelSays('nothing is heard of the agent'));
    await delay(AGENT_AWAY_MS);
    expect(await decided()).toEqual([]);
    await scene.lab.start('node-agent-ast1');
    await eventually('the agent to be heard', () => sentinelSays('the agent is heard again'));
    expect(await decided()).toEqual([]);
  });

  it('and its calls go on to their own end, without a re-INVITE', async () => {
    seen = await scene.untilEnded();
    const phones = seen.calls.flatMap(phonesOf);
    expect(phones).toHaveLength(5);
    for (const phone of phones) {
      expect(phone.requests.map(({ method }) => method)).toEqual(['BYE']);
      expect(byeOf(phone)?.answer?.status).toBe(200);
    }
    expect(await recoveriesOf(scene.db, 'ast1')).toEqual([]);
  });
});
