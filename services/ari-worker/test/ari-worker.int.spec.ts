import { connectAri, type AriConnection } from '@reinvite/ari';
import { Bus, subjects } from '@reinvite/bus';
import { restoreFact, type LegAttempt, type RestoreCall, type RestoreFact } from '@reinvite/domain';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger, parseConfig, type Config } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ariWorker } from '../src/ari-worker.js';
import { Phone } from './phone.js';
import { realLeg } from './real-leg.js';

const log = createLogger('test', 'silent');

describe('the ari-worker, on a real Asterisk', () => {
  let lab: Lab;
  let bus: Bus;
  let demo: AriConnection;
  let config: Config;
  const stopTest = new AbortController();
  const facts: RestoreFact[] = [];
  const phones: Phone[] = [];
  const handedOver: string[][] = [];
  let port = 20_000;
  let count = 0;
  let stopWorker: () => Promise<void>;

  const startWorker = (attemptTimeoutMs = 4_000): void => {
    const stop = new AbortController();
    const recovery = { ...config.recovery, attemptTimeoutMs };
    const running = ariWorker({ config: { ...config, recovery }, log, signal: stop.signal });
    stopWorker = async () => {
      stop.abort(new Error('stopped'));
      await running;
    };
  };
  const phone = async (response: Parameters<typeof Phone.start>[2], pauseMs = 0): Promise<Phone> => {
    const started = await Phone.start(lab, (port += 1), response, pauseMs);
    phones.push(started);
    return started;
  };
  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';

  const legTo = (to: Phone, change: Record<string, string> = {}): LegAttempt => {
    const legId = `leg${(count += 1)}x`;
    const leg = realLeg({
      legId,
      channelId: `reinvite-test-${legId}`,
      phone: `${address('phones')}:${to.port}`,
      edge: address('edge'),
    });
    return { ...leg, variables: { ...leg.variables, ...change }, accountCode: 'acme' };
  };
  const restore = async (
    legs: LegAttempt[],
    join: RestoreCall['join'] = { kind: 'none' },
    { incarnation, forMs = 30_000 }: { incarnation?: string; forMs?: number } = {},
  ): Promise<void> => {
    const recoveryId = `recovery-${(count += 1)}`;
    const command: RestoreCall = {
      type: 'RestoreCall',
      commandId: `${recoveryId}-1`,
      recoveryId,
      callId: recoveryId,
      attempt: 1,
      target: 'ast1',
      targetIncarnation: incarnation ?? (await demo.whenUp()).incarnation,
      legs,
      join,
      notAfter: Date.now() + forMs,
    };
    await bus.publishDurable(subjects.restoreCommand('ast1'), command, command.commandId);
  };
  const fact = <T extends RestoreFact['type']>(
    type: T,
    about: string,
  ): Promise<Extract<RestoreFact, { type: T }>> =>
    eventually(`${type} of ${about}`, () =>
      facts.find(
        (one): one is Extract<RestoreFact, { type: T }> =>
          one.type === type && ('legId' in one ? one.legId : one.recoveryId) === about,
      ),
    );

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, reinvite: false });
    const { username, password } = lab.info.ari['ast1'] ?? { username: '', password: '' };
    const ari = { url: `http://${address('ast1')}:8088`, username, password };
    config = parseConfig({
      nats: { servers: [lab.info.nats] },
      postgres: { url: lab.info.postgres },
      nodes: [{ id: 'ast1', sipAddresses: [address('ast1')], ari }],
    });
    demo = connectAri({ ...ari, app: 'demo', log, signal: stopTest.signal });
    demo.on('event', (event) => event.type === 'StasisStart' && handedOver.push(event.args));
    await demo.whenUp();
    bus = await Bus.connect({ servers: [lab.info.nats], name: 'test', log, signal: stopTest.signal });
    void bus.tail({
      stream: 'restoreFacts',
      schema: restoreFact,
      after: async () => facts.length,
      maxBatch: 10,
      handler: async (batch) => void facts.push(...batch.map(({ message }) => message)),
    });
    startWorker();
  });
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((one) => one.stop()));
  });
  afterAll(async () => {
    await stopWorker();
    stopTest.abort();
    await bus.close();
    await lab.down();
  });

  it('re-INVITEs the phone in its own dialog and hands the channel to the application', async () => {
    const alice = await phone('200 OK');
    const leg = legTo(alice);
    await restore([leg]);
    await fact('LegAnswered', leg.legId);
    await eventually('StasisStart', () =>
      handedOver.find(([what, id]) => what === 'recovered' && id === leg.legId),
    );
    const [invite = ''] = await alice.received('INVITE');
    expect(invite).toMatch(new RegExp(`^Call-ID: call-${leg.legId}\\r?$`, 'm'));
    expect(invite).toMatch(/^CSeq: 4711 INVITE\r?$/m);
    expect(invite).toMatch(new RegExp(`^From: .*;tag=ours-${leg.legId}\\r?$`, 'm'));
    expect(invite).toMatch(new RegExp(`^To: .*;tag=phones-${leg.legId}\\r?$`, 'm'));
    const channel = await demo.channels.get(leg.channelId);
    expect(channel).toMatchObject({ accountCode: 'acme', protocolId: `call-${leg.legId}` });
  });

  it('joins both legs of a call in the bridge that it is told', async () => {
    const legs = [legTo(await phone('200 OK')), legTo(await phone('200 OK', 300))];
    await restore(legs, { kind: 'ari-bridge', bridgeId: 'the-old-bridge', bridgeType: 'mixing', name: '' });
    await fact('LegsJoined', `recovery-${count}`);
    const bridge = await demo.bridges.get('the-old-bridge');
    expect([...bridge.channelIds].sort()).toEqual(legs.map(({ channelId }) => channelId).sort());
  });

  it('says that nothing was sent when the module refuses the variables', async () => {
    const alice = await phone('200 OK');
    const leg = legTo(alice, { PJSIP_RECOVERY_CSEQ: 'many' });
    await restore([leg]);
    expect(await fact('LegRefused', leg.legId)).toMatchObject({ reason: 'MODULE_REFUSED', sent: false });
    expect(await alice.received('INVITE')).toEqual([]);
  });

  it.each([
    ['481 Call/Transaction Does Not Exist', 'DIALOG_GONE'],
    ['486 Busy Here', 'REINVITE_REJECTED'],
    ['480 Temporarily Unavailable', 'REINVITE_REJECTED'],
  ] as const)('says what the phone means by %s', async (response, reason) => {
    const leg = legTo(await phone(response));
    await restore([leg]);
    expect(await fact('LegRefused', leg.legId)).toMatchObject({ reason, sent: true });
  });

  it('gives a phone up that does not answer', async () => {
    const leg = legTo(await phone('200 OK', 60_000));
    await restore([leg]);
    expect(await fact('LegRefused', leg.legId)).toMatchObject({ reason: 'REINVITE_UNANSWERED', sent: true });
    expect(await demo.channels.find(leg.channelId)).toBeUndefined();
  });

  it('sends nothing to another life of the target', async () => {
    const alice = await phone('200 OK');
    const leg = legTo(alice);
    await restore([leg], { kind: 'none' }, { incarnation: '1' });
    expect(await fact('LegRefused', leg.legId)).toMatchObject({ reason: 'TARGET_UNREACHABLE', sent: false });
    expect(await alice.received('INVITE')).toEqual([]);
  });

  it('finishes what another worker had begun, with the one re-INVITE that was sent', async () => {
    const restart = async (attemptTimeoutMs?: number): Promise<void> => {
      await stopWorker();
      startWorker(attemptTimeoutMs);
    };
    onTestFinished(() => restart());
    await restart(15_000);
    const alice = await phone('200 OK', 3_500);
    const leg = legTo(alice);
    await restore([leg]);
    await fact('LegOriginated', leg.legId);
    await restart(15_000);
    await fact('LegAnswered', leg.legId);
    // A retransmission has the branch of the first; another re-INVITE of the same dialog has one of its own.
    const branches = (await alice.received('INVITE')).map(
      (invite) => /^Via:.*;branch=([^;\s]+)/m.exec(invite)?.[1],
    );
    expect(new Set(branches).size).toBe(1);
    expect(branches[0]).toBeDefined();
  });

  it('says that the target was lost when it dies in the middle and no worker reaches it in time', async () => {
    const leg = legTo(await phone('200 OK', 60_000));
    // Until the attempt's time is over (and that of an answer, 4 s) the command is left to a worker that reaches the node.
    await restore([leg], { kind: 'none' }, { forMs: 10_000 });
    await fact('LegOriginated', leg.legId);
    await lab.kill('ast1');
    expect(await fact('LegRefused', leg.legId)).toMatchObject({ reason: 'TARGET_LOST', sent: true });
  });
});
