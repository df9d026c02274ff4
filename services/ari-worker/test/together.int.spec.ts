import type { AriConnection, AriEvent } from '@reinvite/ari';
import { subjects, type Bus } from '@reinvite/bus';
import type { LegAttempt, RestoreCall, RestoreFact, TendBereft } from '@reinvite/domain';
import type { Lab } from '@reinvite/lab';
import { isCoded } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HOLDS } from '../src/resume/hold.js';
import { Phone } from './phone.js';
import { realLeg } from './real-leg.js';
import { startRealWorker, type RealWorker } from './real-worker.js';

type Manner = Parameters<typeof Phone.start> extends [Lab, number, ...infer Rest] ? Rest : never;

describe('who comes back to others, and who stays alone, on a real Asterisk', () => {
  let lab: Lab;
  let bus: Bus;
  let demo: AriConnection;
  let worker: RealWorker;
  const facts: RestoreFact[] = [];
  const events: AriEvent[] = [];
  const phones: Phone[] = [];
  let count = 0;

  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';
  const legTo = async (...manner: Manner): Promise<LegAttempt> => {
    const phone = await Phone.start(lab, 22_000 + (count += 1), ...manner);
    phones.push(phone);
    const legId = `leg${count}x`;
    return realLeg({
      legId,
      channelId: `reinvite-together-${legId}`,
      phone: `${address('phones')}:${phone.port}`,
      edge: address('edge'),
    });
  };
  const common = async () => {
    const recoveryId = `together-${(count += 1)}`;
    const { incarnation: targetIncarnation } = await demo.whenUp();
    return { recoveryId, callId: recoveryId, attempt: 1, target: 'ast1', targetIncarnation };
  };
  const restore = async (
    bridgeId: string,
    legs: LegAttempt[],
    change: Partial<RestoreCall> = {},
  ): Promise<RestoreCall> => {
    const of = await common();
    const command: RestoreCall = {
      type: 'RestoreCall',
      commandId: `${of.recoveryId}-1`,
      ...of,
      legs,
      join: { kind: 'ari-bridge', bridgeId, bridgeType: 'mixing', name: '' },
      notAfter: Date.now() + 30_000,
      ...change,
    };
    await bus.publishDurable(subjects.restoreCommand('ast1'), command, command.commandId);
    return command;
  };
  const tend = async (
    bridgeId: string,
    channelId: string,
    treatment: TendBereft['treatment'],
    change: Partial<TendBereft> = {},
  ): Promise<RestoreFact> => {
    const of = await common();
    const command: TendBereft = {
      type: 'TendBereft',
      commandId: `${of.recoveryId}-bereft-begin`,
      ...of,
      bridgeId,
      channelId,
      treatment,
      notAfter: Date.now() + 30_000,
      ...change,
    };
    await bus.publishDurable(subjects.restoreCommand('ast1'), command, command.commandId);
    return told('BereftTended', of.recoveryId);
  };
  const told = (type: RestoreFact['type'], recoveryId: string): Promise<RestoreFact> =>
    eventually(`${type} of ${recoveryId}`, () =>
      facts.find((fact) => fact.type === type && fact.recoveryId === recoveryId),
    );
  const members = async (bridgeId: string): Promise<string[]> =>
    [...(await demo.bridges.get(bridgeId)).channelIds].sort();

  beforeAll(async () => {
    worker = await startRealWorker((fact) => facts.push(fact));
    ({ lab, bus, demo } = worker);
    demo.on('event', (event) => events.push(event));
  });
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((one) => one.stop()));
  });
  afterAll(() => worker.stop());

  it('joins a bridge that is there, and makes it not anew; then hangs up what led to the dead node', async () => {
    const [alice, bob] = [await legTo('200 OK'), await legTo('200 OK')];
    const first = await restore('conf', [alice]);
    await told('LegsJoined', first.recoveryId);
    const trunk = await legTo('200 OK');
    const of = await restore('conf', [trunk]);
    await told('LegsJoined', of.recoveryId);
    const second = await restore('conf', [bob], { hangUp: [trunk.channelId] });
    await told('LegsJoined', second.recoveryId);
    await eventually('the trunk to be gone', async () => {
      const there = await members('conf');
      return there.length === 2 && there;
    });
    expect(await members('conf')).toEqual([alice.channelId, bob.channelId].sort());
    expect(events.filter(({ type }) => type === 'BridgeDestroyed')).toEqual([]);
    await eventually('its end', async () => (await demo.channels.find(trunk.channelId)) === undefined);
  });

  it('plays to one who waits, until the other is there', async () => {
    const pair = [await legTo('200 OK'), await legTo('200 OK', 4_000)];
    const { recoveryId, commandId } = await restore('pair', pair, { comfort: 'tone:ring' });
    const playback = (type: 'PlaybackStarted' | 'PlaybackFinished') =>
      events.findIndex((event) => event.type === type && event.playback.id === `${commandId}-comfort`);
    await eventually('the tone', () => playback('PlaybackStarted') >= 0);
    await told('LegsJoined', recoveryId);
    await eventually('its end', () => playback('PlaybackFinished') >= 0);
    expect(await members('pair')).toEqual(pair.map(({ channelId }) => channelId).sort());
  });

  it('holds who is alone, hands it to an application, and ends it', async () => {
    const [alice, bob] = [await legTo('200 OK'), await legTo('481 Call/Transaction Does Not Exist')];
    const { recoveryId } = await restore('left', [alice, bob]);
    await told('LegRefused', recoveryId);
    await eventually('one', async () => (await members('left').catch(() => [])).length === 1);
    const hold = await tend('left', alice.channelId, { do: 'hold', musicOnHold: 'default', forMs: 1_000 });
    expect(hold).toMatchObject({ result: 'done', treatment: 'hold' });
    // Whoever plays the music is nobody.
    const handed = await tend('left', alice.channelId, { do: 'application', app: 'demo', args: ['alone'] });
    expect(handed).toMatchObject({ result: 'done' });
    await eventually('its application', () =>
      events.some(
        (event) =>
          event.type === 'StasisStart' && event.args[0] === 'alone' && event.channel.id === alice.channelId,
      ),
    );
    expect(await members('left')).not.toContain(alice.channelId);
    expect(await tend('left', alice.channelId, { do: 'end', cause: 31 })).toMatchObject({ result: 'done' });
    await eventually('its end', async () => (await demo.channels.find(alice.channelId)) === undefined);
    expect(await tend('left', alice.channelId, { do: 'end', cause: 31 })).toMatchObject({ result: 'gone' });
  });

  const musicPlays = async (bridgeId: string): Promise<boolean> => {
    try {
      await demo.bridges.stopMusicOnHold(bridgeId);
      return true;
    } catch (err) {
      if (isCoded(err, 'ARI_CONFLICT')) return false;
      throw err;
    }
  };

  it('ends the music of who was held when another recovery, or the application, brings somebody', async () => {
    for (const bringer of ['recovery', 'application']) {
      const [alice, bob] = [await legTo('200 OK'), await legTo('200 OK')];
      await told('LegsJoined', (await restore(bringer, [alice])).recoveryId);
      const hold = { do: 'hold', musicOnHold: 'default', forMs: 60_000 } as const;
      const { recoveryId } = await tend(bringer, alice.channelId, hold);
      if (bringer === 'recovery') await told('LegsJoined', (await restore(bringer, [bob])).recoveryId);
      else {
        await told('LegsJoined', (await restore('elsewhere', [bob])).recoveryId);
        await demo.bridges.addChannels(bringer, [bob.channelId]);
      }
      await eventually('the end of the hold', () =>
        facts.some(
          (fact) =>
            fact.type === 'BereftTended' && fact.recoveryId === recoveryId && fact.result === 'not-alone',
        ),
      );
      expect(await musicPlays(bringer)).toBe(false);
      expect(await members(bringer)).toHaveLength(2);
    }
  });

  it('ends the music of a hold whose worker is gone when the hold is over, also where somebody is there', async () => {
    const pair = [await legTo('200 OK'), await legTo('200 OK')];
    await told('LegsJoined', (await restore('over', pair)).recoveryId);
    await demo.bridges.startMusicOnHold('over', 'default');
    const over = await tend('over', pair[0]?.channelId ?? '', { do: 'end', cause: 16 }, { endsHold: true });
    expect(over).toMatchObject({ result: 'not-alone' });
    expect(await musicPlays('over')).toBe(false);
    expect(await members('over')).toHaveLength(2);
  });

  it('marks who was handed to an application', async () => {
    const alice = await legTo('200 OK');
    await told('LegsJoined', (await restore('marked', [alice])).recoveryId);
    const { recoveryId } = await tend('marked', alice.channelId, {
      do: 'application',
      app: 'demo',
      args: ['marked'],
    });
    const mark = await demo.channels.getVariable(alice.channelId, 'REINVITE_BEREFT');
    expect(mark).toBe(`${recoveryId}-bereft-begin`);
  });

  it('can tell of who is back whether their phone holds, for those who come later', async () => {
    const [alice, bob] = [await legTo('200 OK', 0, 'sendonly'), await legTo('200 OK')];
    await told('LegsJoined', (await restore('held', [alice])).recoveryId);
    const holding = [{ channelId: alice.channelId, musicClass: 'default' }];
    await told('LegsJoined', (await restore('held', [bob], { holding })).recoveryId);
    const holds = [alice, bob].map(({ channelId }) => demo.channels.getVariable(channelId, HOLDS));
    expect(await Promise.all(holds)).toEqual(['1', '0']);
  });

  it('leaves alone who is not alone any more', async () => {
    const pair = [await legTo('200 OK'), await legTo('200 OK')];
    const { recoveryId } = await restore('both', pair);
    await told('LegsJoined', recoveryId);
    expect(await tend('both', pair[0]?.channelId ?? '', { do: 'end', cause: 16 })).toMatchObject({
      result: 'not-alone',
    });
    expect(await members('both')).toHaveLength(2);
  });
});
