import {
  eligibleCalls,
  nodeAt,
  phonesOf,
  reinvitesAfter,
  type Crash,
  type ObservedCall,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, operatorOf, recoveriesOf, Scene, type RecoveryRow } from '../src/index.js';

interface Status {
  readonly recovery: {
    readonly control: { readonly stopped: unknown; readonly massFailure: { dead: string[] } | null };
    readonly nodes: readonly { readonly nodeId: string; readonly excluded: string | null }[];
    readonly held: readonly { readonly nodeId: string; readonly callId: string; readonly reason: string }[];
  };
}

describe('recovery is kept from making it worse', () => {
  let scene: Scene;

  const say = (...argv: readonly string[]): Promise<string> => operatorOf(scene.lab).say(...argv);
  const status = async (): Promise<Status['recovery']> =>
    (JSON.parse(await operatorOf(scene.lab).reinvite('status', '--json')) as Status).recovery;

  const ended = (node: string, count: number): Promise<RecoveryRow[]> =>
    eventually(`${count} outcomes of ${node}`, async () => {
      const rows = await recoveriesOf(scene.db, node);
      return rows.length === count && rows.every(({ outcome }) => outcome !== 'under way') && rows;
    });
  const reinvitesOf = (calls: readonly ObservedCall[], crash: Crash): number =>
    eligibleCalls(calls, crash)
      .flatMap(phonesOf)
      .flatMap((phone) => reinvitesAfter(phone, crash.at)).length;

  /** Where each call with an application is now. */
  const nodesOfApps = async (): Promise<(string | null)[]> =>
    (await scene.phones.look())
      .filter(isApp)
      .flatMap(phonesOf)
      .map((phone) => nodeAt(phone, Infinity));

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 3, restrained: true });
  });
  afterAll(() => scene.close());

  it('stopped by an operator it stays so across a restart, and leaves the calls of a dead node alone', async () => {
    await scene.call([{ kind: 'bridge', node: 'ast1', holdMs: HOLD_MS }]);
    await say('stop');
    await scene.lab.restart('recovery');
    expect((await status()).control.stopped).toMatchObject({ requestedBy: 'e2e' });
    const crash = await scene.crash('ast1');
    const [row] = await ended('ast1', 1);
    expect(row).toMatchObject({ outcome: 'skipped', reason: 'recovery-stopped', target: null });
    expect(reinvitesOf(await scene.phones.look(), crash)).toBe(0);
    await say('resume');
    expect((await status()).control.stopped).toBeNull();
    await scene.revive('ast1');
  });

  it('with two of three nodes dead at once it asks, and goes on when it is told to', async () => {
    await scene.phones.call([
      { kind: 'app', node: 'ast2', holdMs: HOLD_MS },
      { kind: 'app', node: 'ast3', holdMs: HOLD_MS },
    ]);
    await scene.phones.until('both calls', (calls) => calls.filter(isApp).every(isUp));
    await eventually('both calls on record', async () => {
      const { rows } = await scene.db.query<{ count: number }>(
        `select count(*)::int as count from dialogs d join legs l on l.sip_call_id = d.call_id
         where d.state = 'confirmed' and l.gone_at is null and l.state = 'Up' and l.node_id in ('ast2', 'ast3')`,
      );
      return rows[0]?.count === 2;
    });
    const crashes = await Promise.all(['ast2', 'ast3'].map((node) => scene.crash(node)));
    const asked = await eventually('the operator to be asked', async () => {
      const { control, held } = await status();
      return control.massFailure !== null && held.length > 0 && { dead: control.massFailure.dead, held };
    });
    expect([...asked.dead].sort()).toEqual(['ast2', 'ast3']);
    expect(asked.held.map(({ reason }) => reason)).toEqual(asked.held.map(() => 'mass-failure'));
    const before = await scene.phones.look();
    for (const crash of crashes.filter(({ node }) => asked.held.some(({ nodeId }) => nodeId === node)))
      expect(reinvitesOf(before, crash)).toBe(0);
    await say('resume');
    for (const crash of crashes) await scene.untilBack(crash);
    expect(await nodesOfApps()).toEqual(['ast1', 'ast1']);
    expect(await status()).toMatchObject({ control: { massFailure: null }, held: [] });
    await scene.revive('ast2');
    await scene.revive('ast3');
  });

  it('a node that dies again gets no calls, though it is the emptiest', async () => {
    await scene.crash('ast2');
    await eventually('ast2 to be known to flap', async () => {
      const { rows } = await scene.db.query('select 1 from audit_flapping where node_id = $1', ['ast2']);
      return rows.length === 1;
    });
    await scene.revive('ast2');
    await scene.phones.call([{ kind: 'app', node: 'ast3', holdMs: HOLD_MS }]);
    await scene.phones.until('the call on ast3', (calls) => calls.filter(isApp).every(isUp));
    await eventually('ast2 to be up and shunned, ast3 to be fit', async () => {
      const { nodes } = await status();
      const of = (id: string) => nodes.find(({ nodeId }) => nodeId === id)?.excluded;
      return of('ast2') === 'flapping' && of('ast3') === null;
    });
    await scene.crash('ast1');
    const rows = await ended('ast1', 3);
    expect(rows.map(({ outcome, target }) => [outcome, target])).toEqual([
      ['skipped', null],
      ['recovered', 'ast3'],
      ['recovered', 'ast3'],
    ]);
    expect(await nodesOfApps()).toEqual(['ast3', 'ast3', 'ast3']);
  });
});

function isApp({ kind }: ObservedCall): boolean {
  return kind === 'app';
}

function isUp(call: ObservedCall): boolean {
  return phonesOf(call).length > 0 && phonesOf(call).every(({ invite }) => invite.ackedAt !== null);
}
