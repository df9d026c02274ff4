import { EventEmitter } from 'node:events';
import type { AmiConnection } from '@reinvite/ami';
import type { LegObserved } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallPicture } from '../src/calls/picture.js';
import { DialplanObserver } from '../src/dialplan/observer.js';
import type { Life } from '../src/process/life.js';
import { changed, channel, destroyed } from './observed.js';

class FakeAmi extends EventEmitter {
  readonly ask = async () => ({ response: {}, listed: [] });
}

describe('what the manager interface tells, over its connections', () => {
  const stop = new AbortController();
  let ami: FakeAmi;
  let picture: CallPicture;
  let offer: ReturnType<typeof vi.fn>;
  let observer: DialplanObserver;

  const activityOf = (id: string) =>
    picture.facts().find((fact): fact is LegObserved => fact.type === 'LegObserved' && fact.channelId === id)
      ?.activity;
  const music = (id: string) => ami.emit('event', { Event: 'MusicOnHoldStart', Uniqueid: id, Class: 'jazz' });
  const comesUp = async (): Promise<void> => {
    ami.emit('up');
    await vi.advanceTimersByTimeAsync(1);
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: 10_000 });
    ami = new FakeAmi();
    picture = new CallPicture('ast1', '42');
    picture.hearsMusicSince(undefined, 0);
    offer = vi.fn();
    const life = { info: { incarnation: '42' }, picture, facts: { offer } } as unknown as Life;
    observer = new DialplanObserver({
      ami: ami as unknown as AmiConnection,
      life: () => life,
      log: createLogger('test', 'silent'),
      signal: stop.signal,
      now: Date.now,
    });
    observer.start();
  });
  afterEach(() => vi.useRealTimers());

  it('is complete for channels that came after the login', async () => {
    picture.apply(changed(channel('1')));
    await comesUp();
    picture.apply(changed(channel('2', { createdAt: 10_001 })));
    expect(activityOf('1')).toEqual({ unknown: ['musicOnHold'] });
    expect(activityOf('2')).toBeUndefined();
  });

  it('is said to lack something once the connection has been lost for some time, and not at once', async () => {
    await comesUp();
    picture.apply(changed(channel('1', { createdAt: 10_001 })));
    ami.emit('down');
    offer.mockClear();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(offer).not.toHaveBeenCalled();
    expect(activityOf('1')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(offer).toHaveBeenCalled();
    expect(activityOf('1')).toEqual({ unknown: ['musicOnHold'] });
  });

  it('is kept over a new login for those who have not hung up meanwhile', async () => {
    await comesUp();
    for (const id of ['1', '2']) {
      picture.apply(changed(channel(id, { createdAt: 10_001 })));
      music(id);
    }
    ami.emit('down');
    picture.apply(destroyed(channel('2')));
    await comesUp();
    const told = vi.spyOn(picture, 'legActivity');
    observer.tellAll();
    expect(told.mock.calls.map(([id, activity]) => [id, activity])).toEqual([['1', { musicOnHold: 'jazz' }]]);
  });

  it('is told again to a picture that was begun anew', async () => {
    await comesUp();
    music('1');
    picture.replace({ channels: [], bridges: [], dialedBy: new Map() }, 10_002);
    observer.tellAll();
    picture.apply(changed(channel('1', { createdAt: 10_001 })));
    expect(activityOf('1')).toEqual({ musicOnHold: 'jazz' });
  });
});
