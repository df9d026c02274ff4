import type { TendBereft } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { connectionLost, FakeAsterisk, INCARNATION } from './fake-asterisk.js';
import { command, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');

describe('one who is alone', () => {
  let asterisk: FakeAsterisk;
  let commands: Commands;
  let stream: FactStream;
  let clock: number;

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    stream = new FactStream();
    clock = 0;
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 16, log });
    commands = new Commands({
      bus: stream.bus,
      targets: new Map([['ast2', target]]),
      answerTimeoutMs: 5_000,
      log,
      now: () => clock,
      closing: new AbortController().signal,
    });
  });

  const tend = (treatment: TendBereft['treatment'], change: Partial<TendBereft> = {}): TendBereft => ({
    type: 'TendBereft',
    commandId: 'r1-bereft-begin',
    recoveryId: 'r1',
    callId: 'abc',
    attempt: 1,
    target: 'ast2',
    targetIncarnation: INCARNATION,
    channelId: 'c1',
    bridgeId: 'b1',
    treatment,
    notAfter: 1_000,
    ...change,
  });
  const results = (): unknown[] => stream.facts.map((fact) => ('result' in fact ? fact.result : fact.type));

  describe('for good', () => {
    beforeEach(() => {
      asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
      asterisk.bridged.set('b1', ['c1']);
    });

    it('is hung up, held, or handed on as it was decided', async () => {
      await commands.handle(tend({ do: 'hold', musicOnHold: 'waiting', forMs: 1 }), 1);
      await commands.handle(tend({ do: 'application', app: 'ivr', args: ['a'] }, { commandId: '2' }), 1);
      await commands.handle(tend({ do: 'end', cause: 31 }, { commandId: '3' }), 1);
      expect(asterisk.requests.filter((request) => !request.startsWith('find'))).toEqual([
        'moh b1 waiting',
        'remove c1',
        'move c1 ivr a',
        'hangup c1',
      ]);
      expect(results()).toEqual(['done', 'done', 'done']);
    });

    it('is let be where somebody else is there by now', async () => {
      asterisk.bridged.set('b1', ['c1', 'somebody']);
      await commands.handle(tend({ do: 'end', cause: 16 }), 1);
      expect(asterisk.live.has('c1')).toBe(true);
      expect(results()).toEqual(['not-alone']);
    });

    it('is gone where it hung up by itself', async () => {
      asterisk.live.clear();
      await commands.handle(tend({ do: 'end', cause: 16 }), 1);
      expect(results()).toEqual(['gone']);
    });

    it('in the dialplan is ended only where it waits still', async () => {
      await commands.handle(tend({ do: 'end', cause: 16 }, { bridgeId: null }), 1);
      expect(asterisk.live.has('c1')).toBe(true);
      asterisk.context = 'reinvite-recovered';
      await commands.handle(tend({ do: 'end', cause: 16 }, { bridgeId: null, commandId: '2' }), 1);
      expect(results()).toEqual(['not-alone', 'done']);
    });

    it('is left to a worker that knows the node, for as long as that makes sense', async () => {
      const elsewhere = tend({ do: 'end', cause: 16 }, { target: 'ast9' });
      await expect(commands.handle(elsewhere, 1)).rejects.toMatchObject({ code: 'ARI_UNREACHABLE' });
      clock = 1_001;
      await commands.handle(elsewhere, 2);
      expect(stream.facts).toEqual([]);
    });

    it('was of another life of the node', async () => {
      await commands.handle(tend({ do: 'end', cause: 16 }, { targetIncarnation: '1' }), 1);
      expect(asterisk.live.has('c1')).toBe(true);
      expect(stream.facts).toEqual([]);
    });
  });

  describe('for a while', () => {
    const withTone = { ...pair, comfort: 'tone:ring' };
    const onceAsked = (wanted: string, then: () => void): void => {
      if (asterisk.requests.some((request) => request.startsWith(wanted))) then();
      else setTimeout(() => onceAsked(wanted, then), 5);
    };
    const onceTonePlays = (then: () => void): void => onceAsked('play b1', then);

    it('hears what is configured until the other is there', async () => {
      asterisk.onOriginate = ({ channelId }) => {
        if (channelId === 'c1') setImmediate(() => asterisk.answer(channelId));
        else onceTonePlays(() => asterisk.answer(channelId));
      };
      await commands.handle(command(withTone), 1);
      const told = asterisk.requests.filter((request) => /^(play|stop|add)/.test(request));
      expect(told.filter((request, n) => request !== told[n - 1])).toEqual([
        'add c1',
        'play b1 tone:ring',
        'add c2',
        'stop r1-1-comfort',
      ]);
    });

    it('hears it no longer when nobody else will come', async () => {
      asterisk.onOriginate = ({ channelId }) => {
        if (channelId === 'c1') setImmediate(() => asterisk.answer(channelId));
        else onceTonePlays(() => asterisk.destroy(channelId, 111, 481));
      };
      await commands.handle(command(withTone), 1);
      expect(asterisk.requests.filter((request) => /^(play|stop)/.test(request))).toEqual([
        'play b1 tone:ring',
        'stop r1-1-comfort',
      ]);
    });

    it('on the node where the others come to hears it at once', async () => {
      asterisk.bridged.set('b1', ['bob']);
      asterisk.onOriginate = ({ channelId }) => onceTonePlays(() => asterisk.answer(channelId));
      await commands.handle(command(withTone), 1);
      const told = asterisk.requests.filter((request) => /^(play|add)/.test(request));
      expect(told[0]).toBe('play b1 tone:ring');
      expect(told).toContain('add c1');
      expect(asterisk.requests).toContain('stop r1-1-comfort');
    });

    it('hears nothing where nothing is configured', async () => {
      asterisk.onOriginate = ({ channelId }) => {
        if (channelId === 'c1') setImmediate(() => asterisk.answer(channelId));
        else onceAsked('add c1', () => asterisk.answer(channelId));
      };
      await commands.handle(command(pair), 1);
      expect(asterisk.requests.some((request) => request.startsWith('play'))).toBe(false);
    });
  });
});
    it('does not hear it over the other where the worker that began it died', async () => {
      for (const channelId of ['c1', 'c2']) asterisk.live.set(channelId, { state: 'Up', appName: 'Stasis' });
      asterisk.bridged.set('b1', ['c1', 'c2']);
      await commands.handle(command(withTone), 2);
      expect(asterisk.requests.filter((request) => /^(play|stop)/.test(request))).toEqual([
        'stop r1-1-comfort',
      ]);
    });

    it('is spared the tone also where the first request to stop it went astray', async () => {
      const { stop } = asterisk.playbacks;
      asterisk.playbacks.stop = async () => {
        asterisk.playbacks.stop = stop;
        throw connectionLost(true);
      };
      asterisk.onOriginate = ({ channelId }) => {
        if (channelId === 'c1') setImmediate(() => asterisk.answer(channelId));
        else onceTonePlays(() => asterisk.destroy(channelId, 111, 481));
      };
      asterisk.bridged.set('b1', ['c0']);
      await commands.handle(command(withTone), 1);
      expect(asterisk.requests).toContain('stop r1-1-comfort');
    });

