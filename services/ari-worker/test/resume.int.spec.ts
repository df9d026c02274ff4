import type { AriConnection } from '@reinvite/ari';
import { subjects, type Bus } from '@reinvite/bus';
import type { BridgeResume, LegAttempt, LegResume, RestoreCall, RestoreFact } from '@reinvite/domain';
import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Phone } from './phone.js';
import { realLeg } from './real-leg.js';
import { startRealWorker, type RealWorker } from './real-worker.js';

const TONE = { id: 'tone', media: ['tone:dial'], language: '', offsetMs: 4_000 };
const part = (recording: string) => ({
  name: `${recording}-2`,
  format: 'wav',
  recording,
  part: 2,
  from: { name: recording, startedAt: 1 },
});

describe('what was going on comes back, on a real Asterisk', () => {
  let lab: Lab;
  let bus: Bus;
  let demo: AriConnection;
  let worker: RealWorker;
  const facts: RestoreFact[] = [];
  const phones: Phone[] = [];
  let count = 0;

  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';
  const legWith = async (resume: LegResume): Promise<LegAttempt> => {
    const phone = await Phone.start(lab, 21_000 + (count += 1), '200 OK', 0);
    phones.push(phone);
    const legId = `leg${count}x`;
    const leg = realLeg({
      legId,
      channelId: `reinvite-resume-${legId}`,
      phone: `${address('phones')}:${phone.port}`,
      edge: address('edge'),
    });
    return { ...leg, variables: { ...resume.variables, ...leg.variables }, resume };
  };
  /** @returns the command, which may be given again. */
  const restore = async (legs: LegAttempt[], bridge?: BridgeResume, bridgeType = 'mixing') => {
    const recoveryId = `resume-${(count += 1)}`;
    const command: RestoreCall = {
      type: 'RestoreCall',
      commandId: `${recoveryId}-1`,
      recoveryId,
      callId: recoveryId,
      attempt: 1,
      target: 'ast1',
      targetIncarnation: (await demo.whenUp()).incarnation,
      legs,
      join:
        bridge === undefined
          ? { kind: 'none' }
          : { kind: 'ari-bridge', bridgeId: recoveryId, bridgeType, name: '' },
      ...(bridge === undefined ? {} : { bridgeResume: bridge }),
      notAfter: Date.now() + 30_000,
    };
    await bus.publishDurable(subjects.restoreCommand('ast1'), command, command.commandId);
    return command;
  };
  const told = <T extends 'LegResumed' | 'BridgeResumed'>(type: T, { recoveryId }: RestoreCall) =>
    eventually(`${type} of ${recoveryId}`, () =>
      facts.find(
        (fact): fact is Extract<RestoreFact, { type: T }> =>
          fact.type === type && fact.recoveryId === recoveryId,
      ),
    );

  beforeAll(async () => {
    worker = await startRealWorker((fact) => facts.push(fact));
    ({ lab, bus, demo } = worker);
  });
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((one) => one.stop()));
  });
  afterAll(() => worker.stop());

  it('plays under the same id, mutes and sets variables, and says so', async () => {
    const leg = await legWith({
      playbacks: [TONE],
      muted: 'in',
      variables: { __CUSTOMER: '42' },
      notRestored: [{ what: 'playback or recording', reason: 'activity-unseen' }],
    });
    const command = await restore([leg]);
    expect(await told('LegResumed', command)).toMatchObject({
      legId: leg.legId,
      channelId: leg.channelId,
      restored: ['mute:in', 'variable:__CUSTOMER', 'playback:tone:dial'],
      notRestored: [{ reason: 'activity-unseen' }],
    });
    const playing = await eventually('the tone', async () => {
      const playback = await demo.playbacks.find(TONE.id);
      return playback?.state === 'playing' && playback;
    });
    expect(playing).toMatchObject({ media_uri: 'tone:dial' });
    expect(await demo.channels.getVariable(leg.channelId, 'CUSTOMER')).toBe('42');
  });

  it('records a leg on in a part of its own, and names a part whose name is taken', async () => {
    const first = await restore([await legWith({ recordings: [part('talk')] })]);
    expect(await told('LegResumed', first)).toMatchObject({
      restored: ['recording:talk-2'],
      notRestored: [],
    });
    await eventually('the recording', async () => {
      const live = await demo.recordings.findLive('talk-2');
      return live?.state === 'recording';
    });
    const second = await restore([await legWith({ recordings: [part('talk')] })]);
    expect(await told('LegResumed', second)).toMatchObject({
      restored: [],
      notRestored: [{ what: 'recording:talk-2', reason: 'name-taken' }],
    });
  });

  it('plays and records a bridge on once its legs are in, and records no leg that is in one', async () => {
    const legs = [await legWith({ recordings: [part('leg')] }), await legWith({})];
    const command = await restore(legs, {
      playbacks: [{ ...TONE, id: 'to-all' }],
      recordings: [part('both')],
    });
    expect(await told('BridgeResumed', command)).toMatchObject({
      restored: ['playback:tone:dial', 'recording:both-2'],
      notRestored: [],
    });
    expect(await told('LegResumed', command)).toMatchObject({
      notRestored: [{ what: 'recording:leg-2', reason: 'in-bridge' }],
    });
    expect(await demo.playbacks.find('to-all')).toBeDefined();
    expect(await demo.recordings.findLive('both-2')).toBeDefined();
  });

  it('puts an announcer into a holding bridge as one', async () => {
    const legs = [await legWith({ holdingRole: 'announcer' }), await legWith({ holdingRole: 'participant' })];
    const command = await restore(legs, {}, 'holding');
    const roles = legs.map(({ legId }) =>
      eventually(`LegResumed of ${legId}`, () =>
        facts.find((fact) => fact.type === 'LegResumed' && fact.legId === legId),
      ),
    );
    expect(await Promise.all(roles)).toMatchObject([
      { restored: ['role:announcer'] },
      { restored: ['role:participant'] },
    ]);
    expect((await demo.bridges.get(command.recoveryId)).channelIds.sort()).toEqual(
      legs.map(({ channelId }) => channelId).sort(),
    );
  });
});
