import type { LegResume, RestoreFact } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { FakeAsterisk } from './fake-asterisk.js';
import { command, leg, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');
const part = (recording: string) => ({
  name: `${recording}-2`,
  format: 'wav',
  recording,
  part: 2,
  from: { name: recording, startedAt: 1 },
});
const RESUME: LegResume = {
  playbacks: [{ id: 'p', media: ['sound:long'], language: '', offsetMs: 4_200 }],
  recordings: [part('leg')],
  musicOnHold: 'jazz',
  holdingRole: 'participant',
  holds: { musicClass: '' },
  variables: { __A: '1' },
  notRestored: [{ what: 'playback or recording', reason: 'activity-unseen' }],
};
const BRIDGE = { playbacks: RESUME.playbacks, recordings: [part('both')] };

describe('what a leg and its bridge were doing', () => {
  let asterisk: FakeAsterisk;
  let stream: FactStream;
  let commands: Commands;

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    stream = new FactStream();
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 16, log });
    commands = new Commands({
      bus: stream.bus,
      targets: new Map([['ast2', target]]),
      answerTimeoutMs: 5_000,
      log,
      now: () => 0,
      closing: new AbortController().signal,
    });
  });

  const told = <T extends RestoreFact['type']>(type: T) =>
    stream.facts.filter((fact): fact is Extract<RestoreFact, { type: T }> => fact.type === type);
  const busyPair = command({
    ...pair,
    legs: [{ ...leg('c1'), resume: RESUME }, leg('c2')],
    bridgeResume: BRIDGE,
  });

  describe('where the leg is up and not joined', () => {
    it('is named with its reason where the phone has hung up', async () => {
      const done = commands.handle(busyPair, 1);
      await vi.waitFor(() => expect(asterisk.originated).toHaveLength(2), SOON);
      asterisk.destroy('c2', 17, 486);
      asterisk.answer('c1', { stasis: false });
      asterisk.destroy('c1', 16);
      await done;
      expect(told('LegResumed')).toMatchObject([
        {
          legId: 'leg-c1',
          channelId: 'c1',
          restored: [],
          notRestored: [
            { what: 'playback or recording', reason: 'activity-unseen' },
            ...[
              'variable:__A',
              'hold',
              'role:participant',
              'music-on-hold:jazz',
              'playback:sound:long',
              'recording:leg-2',
            ].map((what) => ({ what, reason: 'leg-ended' })),
          ],
        },
      ]);
      expect(told('BridgeResumed')).toMatchObject([
        {
          bridgeId: 'b1',
          restored: [],
          notRestored: [
            { what: 'playback:sound:long', reason: 'leg-ended' },
            { what: 'recording:both-2', reason: 'leg-ended' },
          ],
        },
      ]);
    });

    it('is named where Asterisk refuses the bridge; variables it has all the same', async () => {
      asterisk.bridges.create = async () => Promise.reject(new Error('refused'));
      asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
      await commands.handle(busyPair, 1);
      const [{ restored, notRestored } = { restored: [], notRestored: [] }] = told('LegResumed');
      expect(restored).toEqual(['variable:__A']);
      expect(notRestored).toContainEqual({ what: 'recording:leg-2', reason: 'request-refused' });
      expect(told('BridgeResumed')).toHaveLength(1);
    });

    it('is named where it could not be joined in time, and the bridge goes on with the other', async () => {
      asterisk.onOriginate = ({ channelId }) =>
        setImmediate(() => asterisk.answer(channelId, { stasis: channelId === 'c2' }));
      await commands.handle({ ...busyPair, bridgeResume: { playbacks: BRIDGE.playbacks } }, 1);
      const [{ notRestored } = { notRestored: [] }] = told('LegResumed');
      expect(notRestored).toContainEqual({ what: 'playback:sound:long', reason: 'not-joined' });
      expect(told('BridgeResumed')).toMatchObject([{ restored: ['playback:sound:long'], notRestored: [] }]);
    }, 10_000);

    it('is not told where nobody came back: it may be tried again', async () => {
      asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 17, 486));
      await commands.handle(busyPair, 1);
      expect([...told('LegResumed'), ...told('BridgeResumed')]).toEqual([]);
    });
  });

  describe('where one comes to another who is back and holds', () => {
    const later = command({ ...pair, legs: [leg('c2')], holding: [{ channelId: 'c1', musicClass: 'jazz' }] });
    const musicHeard = async (): Promise<string[]> => {
      asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
      await commands.handle(later, 1);
      return asterisk.requests.filter((request) => request.startsWith('moh'));
    };

    beforeEach(() => {
      asterisk.bridged.set('b1', ['c1']);
      asterisk.variables.set('c1 CHANNEL(rtp,hold,audio)', '1');
    });

    it('is music', async () => {
      expect(await musicHeard()).toEqual(['moh c2 jazz']);
    });

    it('is nothing where that one holds no longer', async () => {
      asterisk.variables.set('c1 CHANNEL(rtp,hold,audio)', '0');
      expect(await musicHeard()).toEqual([]);
    });

    it('is nothing where that one has hung up', async () => {
      asterisk.variables.clear();
      asterisk.bridged.set('b1', []);
      expect(await musicHeard()).toEqual([]);
      expect(stream.told()).toContain('LegsJoined');
    });

    it('is nothing where there are more of them', async () => {
      asterisk.bridged.set('b1', ['c1', 'c3']);
      expect(await musicHeard()).toEqual([]);
    });
  });
});
