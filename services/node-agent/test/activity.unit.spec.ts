import type { AriEvent } from '@reinvite/ari';
import { callFact, type BridgeObserved, type LegObserved } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { CallPicture } from '../src/calls/picture.js';
import { bridge, bridgeDestroyed, changed, channel, destroyed, entered, inApp } from './observed.js';

const header = (timestamp: number) => ({ timestamp, application: 'reinvite-agent' });

interface Heard {
  readonly id?: string;
  readonly media?: readonly [string, string?];
  readonly on?: string;
}
const playback = ({ id = 'p', media = ['sound:long'], on = 'channel:1' }: Heard) => ({
  id,
  target_uri: on,
  media_uri: media[0],
  ...(media[1] === undefined ? {} : { next_media_uri: media[1] }),
  language: 'en',
});
const started = (at: number, heard: Heard = {}): AriEvent => ({
  ...header(at),
  type: 'PlaybackStarted',
  playback: playback(heard),
});
const continuing = (at: number, heard: Heard = {}): AriEvent => ({
  ...header(at),
  type: 'PlaybackContinuing',
  playback: playback(heard),
});
const finished = (at: number, heard: Heard = {}): AriEvent => ({
  ...header(at),
  type: 'PlaybackFinished',
  playback: playback(heard),
});
const recording = (
  type: 'RecordingStarted' | 'RecordingFinished' | 'RecordingFailed',
  at: number,
  target_uri = 'channel:1',
): AriEvent => ({ ...header(at), type, recording: { name: 'r', format: 'wav', target_uri } });
const varset = (variable: string, value: string, at = 3_000): AriEvent => ({
  ...header(at),
  type: 'ChannelVarset',
  channel: channel('1'),
  variable,
  value,
});

function pictureOfOne(variables: string[] = []): CallPicture {
  const picture = new CallPicture('ast1', '42', variables);
  picture.apply(changed(channel('1')));
  return picture;
}
const activityOf = (picture: CallPicture, id = '1') =>
  picture
    .facts()
    .map((fact) => callFact.parse(fact))
    .find(
      (fact): fact is LegObserved | BridgeObserved =>
        (fact.type === 'LegObserved' && fact.channelId === id) ||
        (fact.type === 'BridgeObserved' && fact.bridgeId === id),
    )?.activity;

describe('what a leg or bridge is doing, as ARI tells it', () => {
  it('tells a playback with its medium, what comes next and when it began, until it ends', () => {
    const picture = pictureOfOne();
    const [fact] = picture.apply(started(5_000, { media: ['sound:one', 'sound:two'] }));
    expect(fact).toMatchObject({ type: 'LegObserved', channelId: '1', at: 5_000 });
    expect(activityOf(picture)).toEqual({
      playbacks: [{ id: 'p', media: ['sound:one', 'sound:two'], language: 'en', startedAt: 5_000 }],
    });
    picture.apply(continuing(7_000, { media: ['sound:one', 'sound:two'] }));
    picture.apply(started(7_001, { media: ['sound:two'] }));
    expect(activityOf(picture)).toMatchObject({ playbacks: [{ media: ['sound:two'], startedAt: 7_001 }] });
    expect(picture.apply(finished(9_000))).toHaveLength(1);
    expect(activityOf(picture)).toBeUndefined();
  });

  it('counts one medium twice in a list from its second beginning', () => {
    const picture = pictureOfOne();
    picture.apply(started(5_000, { media: ['sound:a', 'sound:a'] }));
    picture.apply(continuing(7_000, { media: ['sound:a', 'sound:a'] }));
    picture.apply(started(7_001, { media: ['sound:a', 'sound:a'] }));
    expect(activityOf(picture)).toMatchObject({ playbacks: [{ startedAt: 7_001 }] });
  });

  it('lets a playback that was paused keep its beginning', () => {
    const picture = pictureOfOne();
    picture.apply(started(5_000));
    expect(picture.apply(started(8_000))).toEqual([]);
    expect(activityOf(picture)).toMatchObject({ playbacks: [{ startedAt: 5_000 }] });
  });

  it('tells what plays to a bridge, and is recorded of it, at the bridge', () => {
    const picture = pictureOfOne();
    picture.apply(entered(bridge('b', ['1']), channel('1')));
    picture.apply(started(5_000, { on: 'bridge:b' }));
    picture.apply(recording('RecordingStarted', 6_000, 'bridge:b'));
    expect(activityOf(picture, 'b')).toMatchObject({
      playbacks: [{ id: 'p', startedAt: 5_000 }],
      recordings: [{ name: 'r', format: 'wav', startedAt: 6_000 }],
    });
    expect(activityOf(picture)).toBeUndefined();
  });

  it.each(['RecordingFinished', 'RecordingFailed'] as const)('tells a recording until %s', (type) => {
    const picture = pictureOfOne();
    picture.apply(recording('RecordingStarted', 5_000));
    picture.apply(recording('RecordingStarted', 6_000));
    expect(activityOf(picture)).toEqual({ recordings: [{ name: 'r', format: 'wav', startedAt: 5_000 }] });
    picture.apply(recording(type, 7_000));
    expect(activityOf(picture)).toBeUndefined();
  });

  it('tells that the phone holds the call, and the music it asks for', () => {
    const picture = pictureOfOne();
    const on = channel('1');
    picture.apply({ ...header(5_000), type: 'ChannelHold', channel: on, musicclass: 'jazz' });
    expect(activityOf(picture)).toEqual({ held: { musicClass: 'jazz', since: 5_000 } });
    picture.apply({ ...header(6_000), type: 'ChannelUnhold', channel: on });
    expect(activityOf(picture)).toBeUndefined();
  });

  it('tells chosen variables under the names that let them be inherited, and what two of them mean', () => {
    const picture = pictureOfOne(['CUSTOMER', 'REINVITE_MUTED', 'REINVITE_ROLE']);
    expect(picture.apply(varset('OTHER', 'x'))).toEqual([]);
    picture.apply(varset('__CUSTOMER', '42'));
    picture.apply(varset('REINVITE_MUTED', 'in'));
    picture.apply(varset('REINVITE_ROLE', 'announcer'));
    expect(activityOf(picture)).toEqual({
      variables: { __CUSTOMER: '42', REINVITE_MUTED: 'in', REINVITE_ROLE: 'announcer' },
      muted: { in: true, out: false },
      holdingRole: 'announcer',
    });
    picture.apply(varset('CUSTOMER', 'none'));
    picture.apply(varset('REINVITE_MUTED', ''));
    picture.apply(varset('REINVITE_ROLE', 'king'));
    expect(activityOf(picture)).toEqual({ variables: { CUSTOMER: 'none', REINVITE_ROLE: 'king' } });
  });

  it.each([['x'.repeat(1_025)]])('leaves out a value that is too long to be a setting', (value) => {
    const picture = pictureOfOne(['CUSTOMER']);
    expect(picture.apply(varset('CUSTOMER', value))).toEqual([]);
    picture.apply(varset('CUSTOMER', '42'));
    picture.apply(varset('CUSTOMER', value));
    expect(activityOf(picture)).toBeUndefined();
  });

  it('takes the variables that Asterisk answers after a gap, under the names that it knows', () => {
    const picture = pictureOfOne(['CUSTOMER', 'REINVITE_MUTED', 'OLD']);
    expect([...picture.wantedVariables]).toEqual(['CUSTOMER', 'REINVITE_MUTED', 'OLD']);
    picture.apply(varset('__CUSTOMER', '42'));
    picture.apply(varset('OLD', '1'));
    const answers = new Map([
      ['CUSTOMER', '43'],
      ['REINVITE_MUTED', 'both'],
      ['OLD', ''],
    ]);
    const variables = new Map([['1', answers]]);
    picture.replace({ channels: [channel('1')], bridges: [], dialedBy: new Map(), variables }, 8_000);
    expect(activityOf(picture)).toEqual({
      unseenBefore: 8_000,
      variables: { __CUSTOMER: '43', REINVITE_MUTED: 'both' },
      muted: { in: true, out: true },
    });
  });

  it('keeps nothing of what has ended in a gap, whoever told it', () => {
    const picture = pictureOfOne(['CUSTOMER']);
    picture.apply(varset('CUSTOMER', '42'));
    picture.apply(entered(bridge('b', ['1']), channel('1')));
    picture.legActivity('1', { musicOnHold: 'jazz' }, 6_000);
    picture.bridgeActivity('b', { musicOnHold: 'jazz' }, 6_000);
    picture.replace({ channels: [], bridges: [], dialedBy: new Map() }, 8_000);
    picture.apply(entered(bridge('b', ['1']), channel('1'), 8_001));
    expect([activityOf(picture), activityOf(picture, 'b')]).toEqual([undefined, undefined]);
  });

  it('says of whom music on hold may be unknown: who is older than the telling, until something is told', () => {
    const unknown = { unknown: ['musicOnHold'] };
    const picture = pictureOfOne();
    expect(picture.hearsMusicSince(undefined, 5_000)).toMatchObject([{ channelId: '1', activity: unknown }]);
    picture.apply(changed(channel('2', { createdAt: 6_000 })));
    picture.apply(changed(channel('3', inApp('Echo'))));
    expect(picture.hearsMusicSince(5_500, 6_500)).toMatchObject([{ channelId: '2' }]);
    expect(['1', '2', '3'].map((id) => activityOf(picture, id))).toEqual([unknown, undefined, undefined]);
    picture.legActivity('1', { musicOnHold: 'jazz' }, 7_000);
    expect(activityOf(picture)).toEqual({ musicOnHold: 'jazz' });
  });

  it('keeps after a gap what Asterisk says goes on still, and says since when it listens', () => {
    const picture = pictureOfOne();
    picture.apply(started(5_000, { id: 'on' }));
    picture.apply(started(5_001, { id: 'over' }));
    picture.apply(recording('RecordingStarted', 5_002));
    expect(picture.going).toEqual({ playbacks: new Set(['on', 'over']), recordings: new Set(['r']) });
    const still = { playbacks: new Set(['on']), recordings: new Set<string>() };
    picture.replace({ channels: [channel('1')], bridges: [], dialedBy: new Map(), still }, 8_000);
    expect(activityOf(picture)).toMatchObject({ unseenBefore: 8_000, playbacks: [{ id: 'on' }] });
    expect(activityOf(picture)).not.toHaveProperty('recordings');
  });

  it('joins what another source tells with it, and forgets all with the channel', () => {
    const picture = pictureOfOne();
    picture.apply(started(5_000));
    const [fact] = picture.legActivity('1', { conference: { name: '7000' } }, 6_000);
    expect(fact).toMatchObject({
      at: 6_000,
      activity: { conference: { name: '7000' }, playbacks: [{ id: 'p' }] },
    });
    picture.apply(destroyed(channel('1')));
    expect(picture.legActivity('1', { conference: { name: '7000' } }, 9_001)).toEqual([]);
    expect(picture.apply(started(9_002))).toEqual([]);
    expect(picture.facts()).toEqual([]);
  });

  it('keeps nothing of what is told after the end of its channel or bridge', () => {
    const picture = pictureOfOne(['CUSTOMER']);
    picture.apply(entered(bridge('b', ['1']), channel('1')));
    picture.apply(bridgeDestroyed(bridge('b', [])));
    picture.apply(destroyed(channel('1')));
    picture.apply(started(9_001));
    picture.apply(recording('RecordingStarted', 9_002, 'bridge:b'));
    expect(picture.apply(varset('CUSTOMER', '42', 9_003))).toEqual([]);
    expect(picture.going).toEqual({ playbacks: new Set(), recordings: new Set() });
  });

  it('heeds no target that it cannot read', () => {
    const picture = pictureOfOne();
    for (const on of ['', 'channel:', 'endpoint:PJSIP/1', 'bridge'])
      expect(picture.apply(started(5_000, { on }))).toEqual([]);
    expect(activityOf(picture)).toBeUndefined();
  });
});
