import { describe, expect, it } from 'vitest';
import {
  DEFAULT_RESUME,
  deriveCalls,
  type DialogView,
  type LegActivity,
  type LegRecord,
} from '../src/index.js';
import { policy } from './support/policies.js';
import { bridgeRecord, callerInDial, dialledLeg, dialogView, legRecord } from './support/records.js';
import { flows, PLAYBACK, resumeOf, type Scene } from './support/resumes.js';

describe('what was going on in an application', () => {
  it('says what nobody saw, and what nobody could tell', () => {
    expect(resumeOf({ activity: { unseenBefore: 5, unknown: ['musicOnHold'] } })?.notRestored).toEqual([
      { what: 'playback or recording', reason: 'activity-unseen' },
      { what: 'music-on-hold', reason: 'activity-unknown' },
    ]);
  });

  it('says that music may be lost only of who is alone, hears nothing else and would get it back', () => {
    const unknown = ['musicOnHold'];
    const never = policy({ resume: { ...DEFAULT_RESUME, musicOnHold: 'never' } });
    const lost = (scene: Scene) => resumeOf(scene)?.notRestored ?? [];
    expect(lost({ activity: { unknown } })).toHaveLength(1);
    expect(lost({ activity: { unknown }, bridge: {} })).toEqual([]);
    expect(lost({ activity: { unknown, playbacks: [PLAYBACK] } })).toEqual([]);
    expect(lost({ activity: { unknown }, policy: never })).toEqual([]);
    expect(lost({ activity: { unknown }, flows })).toEqual([]);
  });

  it('names a recording that the dialplan had begun before it came to the application', () => {
    expect(resumeOf({ activity: { mixMonitors: [{ file: 'a.wav', options: '' }] } })).toEqual({
      notRestored: [{ what: 'recording:a.wav', reason: 'not-supported' }],
    });
  });
});

describe('what was going on in the dialplan', () => {
  const callsOf = (...legs: LegRecord[]) => {
    const ids = legs.map(({ channelId }) => channelId);
    const bridges = legs.length > 1 ? [bridgeRecord('b', ids)] : [];
    return deriveCalls({ nodeId: 'ast1', incarnation: '1', legs, bridges }, new Map());
  };
  const inDialplan = (appName: string, activity: LegActivity) => {
    const dialplan = { context: 'from-edge', extension: 'x', priority: 2, appName, appData: 'x' };
    return resumeOf({ calls: callsOf(legRecord('a', { dialplan, activity })) });
  };

  it('is left to the dialplan, but for variables', () => {
    expect(inDialplan('Echo', { variables: { A: '1' } })).toEqual({ variables: { A: '1' } });
  });

  it('is named where it is music that had begun before, and is not what the application plays itself', () => {
    expect(inDialplan('Echo', { musicOnHold: 'jazz' })).toEqual({
      notRestored: [{ what: 'music-on-hold:jazz', reason: 'not-supported' }],
    });
    for (const app of ['MusicOnHold', 'BridgeWait', 'WaitExten', 'Queue', 'ConfBridge'])
      expect(inDialplan(app, { musicOnHold: 'jazz' })?.notRestored ?? []).not.toContainEqual({
        what: 'music-on-hold:jazz',
        reason: 'not-supported',
      });
  });

  it('is named where nobody saw whether a recording had begun', () => {
    const lost = [{ what: 'recording', reason: 'activity-unseen' }];
    expect(inDialplan('Echo', { unseenBefore: 5 })?.notRestored).toEqual(lost);
    const mixMonitors = [{ file: 'a.wav', options: '' }];
    expect(inDialplan('Echo', { unseenBefore: 5, mixMonitors })).toEqual({ dialplan: ['recording:a-2'] });
    const pair = callsOf(
      callerInDial('a', undefined, { activity: { unseenBefore: 5, held: { musicClass: '', since: 1 } } }),
      dialledLeg('b', 'a'),
    );
    expect(resumeOf({ calls: pair })).toEqual({ holds: { musicClass: '' }, notRestored: lost });
  });
});

describe('a hold that nobody saw begin', () => {
  const saying = (streams: string | undefined): DialogView => {
    const view = dialogView();
    const said: Record<string, string> = streams === undefined ? {} : { PJSIP_RECOVERY_SDP_STREAMS: streams };
    return { ...view, variables: { ...view.variables, ...said } };
  };
  const resume = (streams: string | undefined, scene: Scene = { bridge: {} }) =>
    resumeOf({
      activity: { unseenBefore: 5 },
      dialogs: new Map([['a@phone', [saying(streams)]]]),
      ...scene,
    });

  it('is what the dialog says', () => {
    expect(resume('m=audio 9 RTP/AVP 0|a=recvonly|a=held:remote|a=encryption:none')?.holds).toEqual({
      musicClass: '',
    });
    for (const streams of ['m=audio 9 RTP/AVP 0|a=sendrecv', 'm=audio 9 RTP/AVP 0|a=sendonly|a=held:local']) {
      expect(resume(streams)).not.toHaveProperty('holds');
      expect(resume(streams)?.notRestored).toHaveLength(1);
    }
  });

  it('is named where the dialog does not say it either, and others would hear of it', () => {
    expect(resume(undefined)?.notRestored).toContainEqual({ what: 'hold', reason: 'activity-unseen' });
    expect(resume(undefined, {})?.notRestored).toHaveLength(1);
  });
});
