import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { phonesOf, type CallPlan } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, Scene } from '../src/index.js';

const PROMPT_SECONDS = 900;
/** What the lab's dialplan gives the pair that is limited (`limited-PORT`). */
const LIMIT_SECONDS = 900;
const ULAW_BYTES = 8_000;

const app = (dials: string): CallPlan => ({ kind: 'app', dials, node: 'ast1', holdMs: HOLD_MS });
const pair = (dials: string): CallPlan => ({ kind: 'dial', dials, node: 'ast1', holdMs: HOLD_MS });

/** One after the other, so that each has its place in the queue. */
const QUEUE = [app('queue-*'), app('queue-*'), app('queue-*')];
const OTHERS = [
  app('conf-one'),
  app('conf-one'),
  app('confadmin-one'),
  pair('queuewith-*'),
  app('park-705'),
  app('park-703'),
  app('play-*'),
  app('background-*'),
  app('hold-*'),
  app('announce-*'),
  pair('mixed-*'),
  pair('limited-*'),
  pair('hooked-*'),
];

interface Resumed {
  readonly restored: readonly string[];
  readonly notRestored: readonly { readonly what: string; readonly reason: string }[];
}

describe('what the dialplan was doing', () => {
  let scene: Scene;
  let queued: string[];
  let living = ['ast1', 'ast2'];

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await writeFile(
      path.join(scene.lab.info.shared, 'steps.ulaw'),
      Buffer.alloc(PROMPT_SECONDS * ULAW_BYTES, 0xff),
    );
    queued = [];
    for (const plan of QUEUE) queued.push(...(await scene.call([plan])));
    await scene.call(OTHERS);
    await onRecord();
  });
  afterAll(() => scene.close());

  /** Everything that only the manager interface tells. */
  async function onRecord(): Promise<void> {
    await eventually('what the manager interface tells to be on record', async () => {
      const { rows } = await scene.db.query<{ told: number }>(
        `select count(*)::int as told from legs where gone_at is null
         and (activity ? 'conference' and activity #> '{conference,marked}' is not null
           or activity ? 'parked' or activity #> '{queue,position}' is not null)`,
      );
      return rows[0]?.told === QUEUE.length + 5;
    });
  }

  async function say(command: string): Promise<string> {
    const said = await Promise.all(
      living.map((node) => scene.lab.exec(node, ['asterisk', '-rx', command], { check: false })),
    );
    return said.map(({ stdout }) => stdout).join('\n');
  }

  /** What the recoveries of this death say that went on, and what did not. */
  async function told(node: string): Promise<Resumed> {
    const events = await eventually(`the recoveries of ${node} to tell what went on`, async () => {
      const { rows } = await scene.db.query<Resumed>(
        `select data -> 'restored' as restored, data -> 'notRestored' as "notRestored" from events
         where type = 'LegResumed' and data ->> 'nodeId' = $1`,
        [node],
      );
      return rows.length >= QUEUE.length + 3 + 2 + 1 + 1 + 3 ? rows : undefined;
    });
    return {
      restored: events.flatMap(({ restored }) => restored).sort(),
      notRestored: events.flatMap(({ notRestored }) => notRestored),
    };
  }

  /** Callers of the queue by their place, as the channels of a living node tell it. */
  async function waiting(): Promise<string[]> {
    const entries = [...(await say('queue show lab')).matchAll(/^\s+(\d+)\. (PJSIP\/\S+)/gm)];
    const channels = await say('core show channels concise');
    return entries
      .sort((a, b) => Number(a[1]) - Number(b[1]))
      .map(([, , name = '']) => {
        const line = channels.split('\n').find((one) => one.startsWith(`${name}!`));
        return line?.split('!')[7] ?? '';
      });
  }

  for (const [index, node] of ['ast1', 'ast2'].entries()) {
    it(`goes on on another node (crash ${index + 1})`, async () => {
      const before = index === 0 ? 0 : offsetOf(await say('core show channels concise'));
      const crash = await scene.crash(node);
      living = ['ast1', 'ast2'].filter((one) => one !== node);
      await scene.untilBack(crash);

      await togetherAgain();
      const channels = await eventually('all to be where they were', async () => {
        const all = await say('core show channels concise');
        const is = (what: RegExp, times: number) => [...all.matchAll(what)].length === times;
        return is(/!ControlPlayback!/g, 1) &&
          is(/!BackGround!/g, 1) &&
          is(/!BridgeWait!lab,participant/g, 1) &&
          is(/!BridgeWait!lab,announcer/g, 1) &&
          is(/!RecoveryBridge!/g, 8)
          ? all
          : undefined;
      });
      expect(offsetOf(channels)).toBeGreaterThan(before);
      expect(
        [...channels.matchAll(/RecoveryBridge![^!]+,30,(\d+)/g)].map(
          ([, left]) => Number(left) < LIMIT_SECONDS,
        ),
      ).toEqual([true]);

      const { restored, notRestored } = await told(node);
      expect(restored.map((what) => what.replace(/mixed-.*-(\d+)$/, 'mixed-$1'))).toEqual([
        'conference:one',
        'conference:one',
        'conference:one',
        'dial-limit',
        'parked:default@703',
        'parked:default@705',
        'playback:/lab/steps',
        'queue:lab',
        'queue:lab',
        'queue:lab',
        `recording:mixed-${index + 2}`,
      ]);
      expect(notRestored).toEqual(
        expect.arrayContaining([
          { what: 'playback:/lab/steps', reason: 'begun-anew' },
          { what: 'dial-option:t', reason: 'not-supported' },
          { what: 'dial-option:T', reason: 'not-supported' },
        ]),
      );
      await scene.revive(node);
    });
  }

  it('is known again to an agent that was restarted, as far as Asterisk can list it', async () => {
    await scene.db.query(`update legs set activity = null where gone_at is null`);
    await scene.lab.restart('node-agent-ast1');
    await onRecord();
    const crash = await scene.crash('ast1');
    living = ['ast2'];
    await scene.untilBack(crash);
    await togetherAgain();
  });

  it('has its recordings in parts, each named with its node', async () => {
    const { rows } = await scene.db.query<{ part: number; node_id: string; name: string }>(
      `select part, node_id, name from recordings where recording like 'mixed-%' order by part`,
    );
    expect(rows.map(({ part }) => part)).toEqual([1, 2, 3]);
    expect(rows[0]?.node_id).toBe('ast1');
    const last = rows[2];
    const file = `/var/spool/asterisk/monitor/${last?.name ?? ''}.wav`;
    expect((await scene.lab.exec(last?.node_id ?? '', ['stat', '-c', '%s', file])).exitCode).toBe(0);
  });

  it('keeps every phone in its call, with the audio of those who talk', async () => {
    const calls = await scene.phones.look();
    const open = calls
      .flatMap(phonesOf)
      .filter((phone) => phone.requests.every(({ method }) => method !== 'BYE'));
    expect(open).toHaveLength(calls.flatMap(phonesOf).length);
  });

  /** Conference, queue and parking lot are as they were. */
  async function togetherAgain(): Promise<void> {
    await eventually('the conference', async () => {
      const users = (await say('confbridge list one'))
        .split('\n')
        .filter((line) => line.startsWith('PJSIP/'));
      return users.length === 3 && users.filter((line) => /\s+AM\s/.test(line)).length === 1;
    });
    await eventually('the queue in its order', async () => (await waiting()).join() === queued.join());
    await eventually('the parking spaces', async () => {
      const spaces = [...(await say('parking show default')).matchAll(/^\s+Space\s+:\s+(\d+)/gm)];
      return (
        spaces
          .map(([, space]) => space)
          .sort()
          .join() === '703,705'
      );
    });
  }

  /** How far the prompt was when its channel came back, ms. */
  function offsetOf(channels: string): number {
    return Number(/ControlPlayback![^!]*o\((\d+)\)/.exec(channels)?.[1] ?? Number.NaN);
  }
});
