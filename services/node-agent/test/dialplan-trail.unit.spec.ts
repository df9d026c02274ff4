import { describe, expect, it } from 'vitest';
import { CallPicture } from '../src/calls/picture.js';
import { bridge, changed, channel, destroyed, entered, inApp } from './observed.js';

/** The activity that the facts of these events end with. */
function activityAfter(...events: readonly Parameters<CallPicture['apply']>[0][]): unknown {
  const picture = new CallPicture('ast1', '1');
  events.forEach((event) => picture.apply(event));
  const [leg] = picture.facts();
  return leg?.type === 'LegObserved' ? leg.activity : undefined;
}

describe('the way of a leg through the dialplan', () => {
  it('says since when it has been in an application that goes on where it was', () => {
    const plays = channel('1', inApp('Playback', 'long', 'play-1', 2));
    expect(activityAfter(changed(channel('1', inApp('Answer'))), changed(plays, 5_000))).toEqual({
      dialplanSince: 5_000,
    });
    expect(activityAfter(changed(plays, 5_000), changed(plays, 7_000))).toEqual({ dialplanSince: 5_000 });
    const next = channel('1', inApp('Playback', 'next', 'play-1', 3));
    expect(activityAfter(changed(plays, 5_000), changed(next, 7_000))).toEqual({ dialplanSince: 7_000 });
    expect(activityAfter(changed(plays, 5_000), changed(channel('1', inApp('Echo')), 7_000))).toBeUndefined();
  });

  it('says since when one that dialled has been joined', () => {
    const dials = channel('1', inApp('Dial', 'PJSIP/x,30,L(60000)'));
    expect(
      activityAfter(changed(dials, 5_000), entered(bridge('b', ['1', '2'], 'basic'), dials, 9_000)),
    ).toEqual({
      dialplanSince: 5_000,
      bridgedSince: 9_000,
    });
  });

  it('names the recordings that it has begun, and none that it has ended', () => {
    const begins = channel('1', inApp('MixMonitor', 'a.wav,b', 'x-1', 1));
    const dials = channel('1', inApp('Echo', '', 'x-1', 2));
    expect(activityAfter(changed(begins), changed(dials, 3_000))).toEqual({
      mixMonitors: [{ file: 'a.wav', options: 'b', startedAt: 2_000 }],
    });
    const ends = channel('1', inApp('StopMixMonitor', '', 'x-1', 3));
    expect(activityAfter(changed(begins), changed(dials, 3_000), changed(ends, 4_000))).toBeUndefined();
  });

  it('is forgotten with its leg, whatever is told of it later', () => {
    const picture = new CallPicture('ast1', '1');
    const plays = channel('1', inApp('Playback', 'long'));
    picture.apply(changed(plays, 5_000));
    picture.apply(destroyed(plays, 16, 6_000));
    picture.apply(changed(plays, 7_000));
    expect(picture.apply(changed(plays, 8_000))).toEqual([]);
    expect(picture.facts()).toEqual([]);
  });

  it('does not know since when what a list shows has been there', () => {
    const picture = new CallPicture('ast1', '1');
    const plays = (extension: string) => channel('1', inApp('Playback', 'long', extension, 2));
    picture.apply(changed(plays('a'), 5_000));
    picture.replace({ channels: [plays('a')], bridges: [], dialedBy: new Map() }, 9_000);
    expect(picture.facts()).toMatchObject([{ activity: { dialplanSince: 5_000 } }]);
    picture.replace({ channels: [plays('b')], bridges: [], dialedBy: new Map() }, 9_000);
    expect(JSON.stringify(picture.facts())).not.toContain('dialplanSince');
  });
});
