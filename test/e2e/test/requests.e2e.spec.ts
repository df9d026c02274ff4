import { Bus, subjects } from '@reinvite/bus';
import { recoveryReply, type RecoveryReply } from '@reinvite/domain';
import { judge, phonesOf, reinvitesAfter, type Observation, type Crash } from '@reinvite/test-phones';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, recoveriesOf, Scene } from '../src/index.js';

/** For an answer from a machine that is busy. */
const REPLY_MS = 30_000;

describe('a recovery is asked for', () => {
  let scene: Scene;
  let bus: Bus;
  const stop = new AbortController();
  let crash: Crash;
  let seen: Observation;
  const replies = new Map<string, RecoveryReply>();

  async function ask(name: string, request: object): Promise<RecoveryReply> {
    const about = { reason: 'the tests want it', requestedBy: 'e2e', ...request };
    const reply = await bus.request(subjects.recoveryRequest, about, recoveryReply, REPLY_MS);
    replies.set(name, reply);
    return reply;
  }

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    const log = createLogger('e2e', 'fatal');
    bus = await Bus.connect({
      servers: [scene.lab.info.nats],
      tls: scene.lab.info.natsTls,
      name: 'e2e',
      log,
      signal: stop.signal,
    });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
      { kind: 'app', node: 'ast2', holdMs: HOLD_MS },
    ]);
    await ask('alive', { nodeId: 'ast1', idempotencyKey: 'alive' });
    await ask('wrong', { nodeId: 'ast1', callId: 'both', idempotencyKey: 'wrong' });
    await ask('unknown', { callId: 'nobody@nowhere', idempotencyKey: 'unknown' });
    // Without the sentinel nobody declares the death: what comes back comes back because it was asked for.
    await scene.lab.stop('sentinel');
    crash = await scene.crash('ast1');
    const [call] = (await scene.phones.look()).filter(({ kind }) => kind === 'bridge');
    // Until recovery has heard that the node is gone, it refuses.
    await eventually('an accepting answer', async () => {
      const { status } = await ask('dry', { nodeId: 'ast1', idempotencyKey: 'dry', dryRun: true });
      return status === 'accepted';
    });
    await ask('one', { callId: call?.caller.callId, idempotencyKey: 'one' });
    await ask('node', { nodeId: 'ast1', idempotencyKey: 'node' });
    await ask('node again', { nodeId: 'ast1', idempotencyKey: 'node' });
    await scene.untilBack(crash);
    seen = await scene.untilEnded();
  });
  afterAll(async () => {
    stop.abort();
    await bus.close();
    await scene.close();
  });

  it('and refused with a code where the node lives, the call is unknown, or the request makes no sense', () => {
    expect(replies.get('alive')).toMatchObject({ status: 'refused', code: 'RECOVERY_NODE_ALIVE' });
    expect(replies.get('unknown')).toMatchObject({ status: 'refused', code: 'RECOVERY_UNKNOWN_CALL' });
    expect(replies.get('wrong')).toMatchObject({ status: 'refused', code: 'RECOVERY_REQUEST_INVALID' });
  });

  it('and planned without being done where that is all that was asked', () => {
    const dry = replies.get('dry');
    expect(dry).toMatchObject({ status: 'accepted', dryRun: true, repeated: false });
    expect(dry?.status === 'accepted' ? dry.plans.map(({ target }) => target) : []).toEqual([
      'ast2',
      'ast2',
      'ast2',
    ]);
  });

  it('and done for one call, and then for the rest of its node', () => {
    expect(replies.get('one')).toMatchObject({ status: 'accepted', plans: [{ target: 'ast2', legs: 2 }] });
    expect(replies.get('node')).toMatchObject({ status: 'accepted', repeated: false });
    expect(judge(seen.calls, crash, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
  });

  it('and done once, however often it is asked', async () => {
    expect(replies.get('node again')).toMatchObject({ status: 'accepted', repeated: true });
    for (const phone of seen.calls.filter(({ caller }) => caller.invite.node === 'ast1').flatMap(phonesOf)) {
      expect(reinvitesAfter(phone, crash.at)).toHaveLength(1);
    }
    const rows = await recoveriesOf(scene.db, 'ast1');
    expect(rows.map(({ trigger, outcome }) => ({ trigger, outcome }))).toEqual(
      rows.map(() => ({ trigger: 'request', outcome: 'recovered' })),
    );
    expect(rows).toHaveLength(3);
  });
});
