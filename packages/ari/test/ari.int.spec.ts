import { once } from 'node:events';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAsterisk, connectAri, type AriConnection, type AriEvent, type AriOptions } from '../src/index.js';

const log = createLogger('test', 'silent');
const PORT = '5070';

describe('ARI of a real Asterisk', () => {
  let lab: Lab;
  let ari: AriConnection;
  let access: Pick<AriOptions, 'url' | 'username' | 'password' | 'log' | 'signal'>;
  let stopPhone: () => Promise<void>;
  const stop = new AbortController();
  const events: AriEvent[] = [];

  const phone = (): string => `PJSIP/edge/sip:phone-${PORT}@${lab.info.hosts['edge']?.address ?? ''}`;
  const seen = (type: AriEvent['type'], channelId: string) =>
    eventually(`${type} of ${channelId}`, () =>
      events.find((event) => event.type === type && 'channel' in event && event.channel?.id === channelId),
    );

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, reinvite: false });
    const { url = '', username = '', password = '' } = lab.info.ari['ast1'] ?? {};
    access = { url: new URL(url).origin, username, password, log, signal: stop.signal };
    const address = lab.info.hosts['phones']?.address ?? '';
    const sipp = lab.spawn('phones', ['sipp', '-sn', 'uas', '-i', address, '-p', PORT, '-nostdin'], {
      stdio: 'ignore',
    });
    stopPhone = async () => {
      const ended = once(sipp, 'exit');
      sipp.kill('SIGKILL');
      await ended;
    };
    ari = connectAri({ ...access, app: 'test', subscribeAll: true });
    ari.on('event', (event) => events.push(event));
    await ari.whenUp();
  });
  afterAll(async () => {
    stop.abort(new Error('stopped'));
    await stopPhone();
    await lab.down();
  });

  it('says which life it is in to whoever asks once, and to nobody without the password', async () => {
    expect(await askAsterisk(access, 5_000)).toEqual(ari.info);
    await expect(askAsterisk({ ...access, password: 'wrong' }, 5_000)).rejects.toThrow(/ARI_UNAUTHORIZED/);
    const elsewhere = { ...access, url: access.url.replace(/:\d+$/, ':1') };
    await expect(askAsterisk(elsewhere, 5_000)).rejects.toThrow(/ARI_UNREACHABLE/);
    await lab.hang('ast1');
    await expect(askAsterisk(access, 100.5)).rejects.toThrow(/ARI_UNREACHABLE/);
    await lab.heal('ast1');
  });

  it('originates a channel under our id, hands it to the application, and ends it with our cause', async () => {
    const channel = await ari.channels.originate({
      channelId: 'one.',
      endpoint: phone(),
      target: { app: 'test', appArgs: ['a', 'b'] },
      variables: { COLOUR: 'dark blue' },
      callerId: '"Ann" <100>',
      timeoutS: 10,
    });
    expect(channel).toMatchObject({ id: 'one.', caller: { name: 'Ann', number: '100' } });
    expect(channel.protocolId).not.toBe('');
    expect(await seen('StasisStart', 'one.')).toMatchObject({ args: ['a', 'b'], channel: { state: 'Up' } });
    expect(await ari.channels.getVariable('one.', 'COLOUR')).toBe('dark blue');

    const bridge = await ari.bridges.create('bridge.', 'mixing', 'ours');
    expect(bridge.isNew).toBe(true);
    expect(await ari.bridges.create('bridge.', 'mixing', 'ours')).toEqual({ ...bridge, isNew: false });
    await ari.bridges.addChannels('bridge.', ['one.']);
    expect(await ari.bridges.get('bridge.')).toMatchObject({ name: 'ours', channelIds: ['one.'] });
    await ari.bridges.startMusicOnHold('bridge.');
    await ari.bridges.stopMusicOnHold('bridge.');
    await expect(ari.bridges.stopMusicOnHold('bridge.')).rejects.toMatchObject({ code: 'ARI_CONFLICT' });
    await expect(ari.bridges.stopMusicOnHold('none.')).rejects.toMatchObject({ code: 'ARI_NOT_FOUND' });
    await ari.channels.hangup('one.', 'busy');
    expect(await seen('ChannelDestroyed', 'one.')).toMatchObject({ cause: 17 });
    expect(await ari.channels.find('one.')).toBeUndefined();
    await ari.bridges.destroy('bridge.');
  });

  it('takes arguments of an application that are longer than a line of HTTP', async () => {
    const appArgs = ['recovered', 'a call', '7', 'A'.repeat(22_000)];
    const wanted = { channelId: 'long.', endpoint: phone(), target: { app: 'test', appArgs } };
    await ari.channels.originate({ ...wanted, variables: { COLOUR: 'red' } });
    expect(await seen('StasisStart', 'long.')).toMatchObject({ args: appArgs });
    expect(await ari.channels.getVariable('long.', 'COLOUR')).toBe('red');
    await ari.channels.hangup('long.');
  });

  it('hands an application its arguments as they are', async () => {
    const appArgs = ['a(b"[@phone', '"x", [y', 'back\\slash', 'plain)', 'last'];
    await ari.channels.originate({
      channelId: 'odd.',
      endpoint: phone(),
      target: { app: 'test', appArgs },
    });
    expect(await seen('StasisStart', 'odd.')).toMatchObject({ args: appArgs });
    await ari.channels.hangup('odd.');
  });

  it('codes what Asterisk refuses', async () => {
    const wanted = { channelId: 'two.', endpoint: phone(), target: { app: 'test' } };
    await expect(
      ari.channels.originate({ ...wanted, channelId: 'x.', endpoint: 'Nothing/at-all' }),
    ).rejects.toMatchObject({
      code: 'ARI_REQUEST_FAILED',
    });
    await ari.channels.originate(wanted);
    await expect(ari.channels.originate(wanted)).rejects.toMatchObject({ code: 'ARI_CONFLICT' });
    await expect(ari.bridges.addChannels('none.', ['two.'])).rejects.toMatchObject({ code: 'ARI_NOT_FOUND' });
    expect(await ari.asterisk.moduleLoaded('res_pjsip.so')).toBe(true);
    expect(await ari.asterisk.moduleLoaded('no_such_module.so')).toBe(false);
    await seen('StasisStart', 'two.');
    await ari.channels.hangup('two.');
  });

  it('originates many at a time, each once', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `many-${String(index).padStart(3, '0')}`);
    const made = await Promise.all(
      ids.map((channelId) =>
        ari.channels.originate({ channelId, endpoint: phone(), target: { app: 'test' } }),
      ),
    );
    expect(made.map(({ id }) => id)).toEqual(ids);
    await Promise.all(ids.map((id) => seen('StasisStart', id)));
    await Promise.all(ids.map((id) => ari.channels.hangup(id)));
  });

  it('is refused with a wrong password, without harm to another connection', async () => {
    const lost = new AbortController();
    const warnings: unknown[] = [];
    const listening = createLogger('test', 'silent');
    listening.warn = (details: unknown) => void warnings.push(details);
    connectAri({ ...access, password: 'wrong', app: 'other', log: listening, signal: lost.signal });
    await eventually('the refusal', () => warnings.length > 0);
    lost.abort(new Error('stopped'));
    expect(warnings[0]).toMatchObject({ code: 'ARI_UNAUTHORIZED' });
    await ari.asterisk.ping(5_000);
  });

  it('says at once when Asterisk dies, and is there again with its next life', async () => {
    const first = (await ari.whenUp()).incarnation;
    const down = once(ari, 'down');
    await lab.kill('ast1');
    await down;
    expect(ari.info).toBeUndefined();
    await expect(ari.channels.list()).rejects.toMatchObject({
      code: 'ARI_UNREACHABLE',
      details: { maybeSent: false },
    });
    await lab.start('ast1');
    const second = await ari.whenUp();
    expect(Number(second.incarnation)).toBeGreaterThan(Number(first));
    expect(await ari.channels.list()).toEqual([]);
  });
});
