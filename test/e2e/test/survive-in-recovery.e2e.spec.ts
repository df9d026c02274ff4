import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '@reinvite/runtime';
import {
  byeOf,
  networkCseqBefore,
  nodeAt,
  phonesOf,
  reinvitesAfter,
  type CallPlan,
  type Crash,
  type Observation,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cameBack,
  deathsOf,
  HOLD_MS,
  outcomesOf,
  Scene,
  untilAwaited,
  verdictsOf,
  whilePostgresIsStarved,
  whileTableIsLocked,
  type RecoveryRow,
} from '../src/index.js';

/** `ast1` and `ast3` are captured by the first ledger, `ast2` by the second. Nobody kills `ast3`: whatever came back stays there. */
const LAST = 'ast3';
const BACK_MS = 60_000;
/** From the moment in which the first one waits for the table. */
const LOCK_MS = 2_000;

const app = (node: string): CallPlan => ({ kind: 'app', node, holdMs: HOLD_MS });
const pairs = (node: string): CallPlan[] => [
  { kind: 'bridge', node, holdMs: HOLD_MS },
  { kind: 'dial', node, holdMs: HOLD_MS, hangsUp: 'callee' },
];
const some = (node: string): CallPlan[] => [app(node), ...pairs(node)];
const MANY: readonly CallPlan[] = ['ast1', 'ast1', 'ast1'].flatMap(some);

/** Deaths of nodes, and the calls that were on each. */
interface Round {
  readonly crash: Crash;
  readonly calls: readonly CallPlan[];
}

/** Rounds that no later one touches: their calls are on the node that lives. */
describe('what a recovery rests on gives way while it is going on', () => {
  let scene: Scene;
  let seen: Observation;
  let unheard: Crash;
  const rounds = new Map<string, Round[]>();
  const rows = new Map<string, RecoveryRow[]>();

  /** Plays crashes of nodes, one beside the other, and waits until their calls are back. */
  async function play(name: string, nodes: readonly string[], crash: (node: string) => Promise<Crash>) {
    const crashes = await Promise.all(nodes.map(crash));
    for (const one of crashes) await scene.untilBack(one, BACK_MS);
    rounds.set(
      name,
      crashes.map((one) => ({ crash: one, calls: some(one.node) })),
    );
  }
  const kill = (node: string): Promise<Crash> => scene.crash(node);
  /** The dead live again, and the calls of the round end. */
  async function revive(...nodes: string[]): Promise<void> {
    await Promise.all(nodes.map((node) => scene.revive(node)));
    await scene.hangUp();
  }

  /** Its re-INVITEs leave it, and the edge does not get them: whoever answered one of them would be waiting for its ACK. */
  async function playTargetDies(): Promise<void> {
    await scene.call(MANY);
    await scene.lab.cut('edge', 'ast2');
    const crash = await scene.crash('ast1');
    await eventually('the first re-INVITE to leave the target', async () => {
      const { stdout } = await scene.lab.exec('ast2', ['asterisk', '-rx', 'core show channels count']);
      return !/^0 active channels/m.test(stdout);
    });
    await scene.crash('ast2');
    await scene.untilBack(crash, BACK_MS);
    rounds.set('the target dies', [{ crash, calls: MANY }]);
    await scene.lab.heal('edge');
    await revive('ast1', 'ast2');
  }

  /** Nothing can be written of its recoveries from before the death until a while after somebody wants to. */
  async function killWhileLocked(node: string): Promise<Crash> {
    // Not from the audit, which reads the table.
    const deaths = async (): Promise<number> => {
      const { rows: found } = await scene.db.query<{ count: number }>(
        `select count(*)::int as count from events where stream_id = $1 and type = 'NodeDown'`,
        [`node-${node}`],
      );
      return found[0]?.count ?? 0;
    };
    const before = await deaths();
    return whileTableIsLocked(scene.db, 'recoveries', async () => {
      const crash = await kill(node);
      await eventually('the death', async () => (await deaths()) > before);
      await untilAwaited(scene.db, 'recoveries');
      await delay(LOCK_MS);
      return crash;
    });
  }

  /** An operator changes what is to be done when a ledger does not answer. */
  async function waitForAllLedgers(): Promise<void> {
    const { config = '' } = scene.lab.info;
    const loaded = await loadConfig(config);
    const quarantineMs = loaded.recovery.policies.default?.quarantineMs;
    const policies = { default: { quarantineMs, barrierMissed: 'skip' } };
    await writeFile(config, JSON.stringify({ ...loaded, recovery: { ...loaded.recovery, policies } }));
    await scene.lab.restart('recovery');
  }

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 3, services: { 'dialog-ledger': 2, 'ari-worker': 2 } });
    await playTargetDies();

    await scene.call(['ast1', 'ast2'].flatMap(some));
    await play('two ledgers', ['ast1', 'ast2'], kill);
    await revive('ast1', 'ast2');

    await scene.call(['ast1', 'ast2'].flatMap(some));
    await scene.lab.kill('dialog-ledger-2');
    await play('one ledger of two', ['ast1', 'ast2'], kill);
    await revive('ast1', 'ast2');
    await scene.lab.start('dialog-ledger-2');

    await scene.call(some('ast1'));
    await whilePostgresIsStarved(scene.lab, () => play('Postgres is starved', ['ast1'], kill));
    await revive('ast1');

    await scene.call(some('ast1'));
    await play('a table is locked', ['ast1'], killWhileLocked);
    await revive('ast1');

    await scene.call(some('ast1'));
    await play('the edge agrees', ['ast1'], async (node) => ({ node, at: (await scene.lab.cut(node)).at }));

    await scene.lab.heal('ast1');
    await revive('ast1');

    await waitForAllLedgers();
    await scene.call([app('ast1')]);
    await scene.lab.kill('dialog-ledger-2');
    unheard = await kill('ast1');
    await eventually('the call to be left alone', async () =>
      (await outcomesOf(scene.db, 'ast1')).some(({ reason }) => reason === 'ledger-unheard'),
    );
    // Somebody has to answer its phone's BYE.
    await revive('ast1');

    seen = await scene.untilEnded();
    for (const node of ['ast1', 'ast2', LAST]) rows.set(node, await outcomesOf(scene.db, node));
  });
  afterAll(() => scene.close());

  it('a target dies when its first re-INVITE has left: what it was sent goes on to the next one, with a higher CSeq', () => {
    const [{ crash } = { crash: unheard }] = rounds.get('the target dies') ?? [];
    const jumps = seen.calls
      .flatMap(phonesOf)
      .filter((phone) => phone.invite.at < crash.at)
      .flatMap((phone) =>
        reinvitesAfter(phone, crash.at).map(({ cseq }) => cseq - networkCseqBefore(phone, crash.at)),
      );
    expect(jumps).toHaveLength(15);
    // A second attempt leaves room for all that the first may have used.
    expect(jumps.some((jump) => jump > 1_000)).toBe(true);
  });

  it.each([
    ['the target dies', 'another node takes the calls'],
    ['two ledgers', 'nodes die that are captured by one each'],
    ['one ledger of two', 'the other is dead, and its node dies with what it had written'],
    ['Postgres is starved', 'it stands still for more than two thirds of the time'],
    ['a table is locked', 'nothing can be written of any recovery for two seconds'],
    ['the edge agrees', 'a host is cut off from everybody, and is fenced from outside'],
  ])('%s: %s, and each call comes back with one re-INVITE for each phone', (name) => {
    const played = rounds.get(name) ?? [];
    expect(played.length).toBeGreaterThan(0);
    for (const { crash, calls } of played) expect(verdictsOf(seen, crash)).toEqual(cameBack(calls));
  });

  it('one ledger of two, and a policy that waits for both: the call is left alone, and says why', () => {
    const phones = seen.calls.flatMap(phonesOf).filter((phone) => {
      const lastWord = byeOf(phone)?.at ?? Infinity;
      return phone.invite.at < unheard.at && lastWord > unheard.at && nodeAt(phone, unheard.at) === 'ast1';
    });
    expect(phones).toHaveLength(1);
    expect(phones.flatMap((phone) => reinvitesAfter(phone, unheard.at))).toEqual([]);
  });

  it('and every call of every life of every node has one outcome', async () => {
    const outcomes = (node: string): string[] =>
      (rows.get(node) ?? []).map(({ outcome, reason }) => `${outcome} ${reason ?? ''}`.trim());
    // Nine calls, then three for each of five rounds, and the one that was left alone.
    expect(outcomes('ast1')).toEqual([...back(24), 'skipped ledger-unheard']);
    // What it was sent before its first death had not come up there: it has nothing to be recovered from.
    const [ofTarget, ofNode] = [outcomes('ast2').slice(0, -6), outcomes('ast2').slice(-6)];
    expect(ofNode).toEqual(back(6));
    expect(ofTarget).toEqual(ofTarget.map(() => 'skipped dialog-unknown'));
    expect(outcomes(LAST)).toEqual([]);
    const ids = [...rows.values()].flat().map(({ recoveryId }) => recoveryId);
    expect(new Set(ids).size).toBe(ids.length);
    const deaths = await deathsOf(scene.db, 'ast1');
    expect(deaths.at(-2)).toEqual({ evidence: 'fenced', fenced: true });
    // The agent of a killed Asterisk tells that at once, unless it gets no processor itself: then the node is fenced too.
    for (const { evidence } of deaths) expect(['process-gone', 'fenced']).toContain(evidence);
  });
});

function back(count: number): string[] {
  return Array.from({ length: count }, () => 'recovered');
}
