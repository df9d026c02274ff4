import type { TendBereft } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
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

  const anotherWorker = (): Commands => {
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 16, log });
    return new Commands({
      bus: stream.bus,
      targets: new Map([['ast2', target]]),
      answerTimeoutMs: 5_000,
      log,
      now: () => clock,
      closing: new AbortController().signal,
    });
  };

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    stream = new FactStream();
    clock = 0;
    commands = anotherWorker();
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
      expect(asterisk.requests.filter((request) => !/^(find|no-moh)/.test(request))).toEqual([
        'moh b1 waiting',
        'remove c1',
        'move c1 ivr a',
        'hangup c1',
      ]);
      await vi.waitFor(() => expect(results().toSorted()).toEqual(['done', 'done', 'done', 'gone']), SOON);
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

    it('and has gone to an application already goes there once', async () => {
      const application = tend({ do: 'application', app: 'ivr', args: ['a'] });
      await commands.handle(application, 1);
      await anotherWorker().handle(application, 2);
      expect(asterisk.requests.filter((request) => request.startsWith('move'))).toEqual(['move c1 ivr a']);
    });

    it('and has gone on in the dialplan already is told to have', async () => {
      const dialplan = { do: 'dialplan', context: 'lost', extension: 's', priority: 1 } as const;
      await commands.handle(tend(dialplan), 1);
      await anotherWorker().handle(tend(dialplan, { commandId: '2' }), 2);
      expect(results()).toEqual(['done', 'done']);
    });

    it('goes to an application to which the worker before had not come', async () => {
      asterisk.variables.set('c1 REINVITE_BEREFT', 'another');
      await commands.handle(tend({ do: 'application', app: 'ivr', args: ['a'] }), 2);
      expect(asterisk.requests).toContain('move c1 ivr a');
    });

    it('was of another life of the node', async () => {
      await commands.handle(tend({ do: 'end', cause: 16 }, { targetIncarnation: '1' }), 1);
      expect(asterisk.live.has('c1')).toBe(true);
      expect(stream.facts).toEqual([]);
    });
  });

  describe('and held', () => {
    const hold = tend({ do: 'hold', musicOnHold: 'waiting', forMs: 1 });
    const over = { commandId: 'r1-bereft-over', endsHold: true } as const;

    beforeEach(() => {
      asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
      asterisk.bridged.set('b1', ['c1']);
    });

    it('hears the music until somebody comes, whoever brings them', async () => {
      await commands.handle(hold, 1);
      expect(asterisk.music).toContain('b1');
      asterisk.enter('b1', 'somebody');
      await vi.waitFor(() => expect(results()).toEqual(['done', 'not-alone']), SOON);
      expect([...asterisk.music]).toEqual([]);
    });

    it('leaves no music behind for those who meet there next', async () => {
      await commands.handle(hold, 1);
      asterisk.leave('b1', 'c1');
      await vi.waitFor(() => expect(results()).toEqual(['done', 'gone']), SOON);
      expect([...asterisk.music]).toEqual([]);
    });

    it('hears it no longer where somebody came while it was about to begin', async () => {
      const { startMusicOnHold } = asterisk.bridges;
      asterisk.bridges.startMusicOnHold = async (...asked) => {
        asterisk.enter('b1', 'somebody');
        await startMusicOnHold(...asked);
      };
      await commands.handle(hold, 1);
      await vi.waitFor(() => expect(results()).toEqual(['done', 'not-alone']), SOON);
      expect([...asterisk.music]).toEqual([]);
    });

    it('hears it no longer where somebody came while the connection was away', async () => {
      await commands.handle(hold, 1);
      asterisk.disconnect();
      asterisk.enter('b1', 'somebody');
      asterisk.connect(INCARNATION);
      await vi.waitFor(() => expect([...asterisk.music]).toEqual([]), SOON);
    });

    it('leaves the music alone that others begin once somebody has come', async () => {
      await commands.handle(hold, 1);
      asterisk.enter('b1', 'somebody');
      await vi.waitFor(() => expect(results()).toHaveLength(2), SOON);
      asterisk.music.add('b1');
      asterisk.leave('b1', 'somebody');
      asterisk.enter('b1', 'somebody');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect([...asterisk.music]).toEqual(['b1']);
    });

    it('is of no concern to the bridge of that name in another life of the node', async () => {
      await commands.handle(hold, 1);
      asterisk.disconnect();
      asterisk.bridged.set('b1', ['another']);
      asterisk.connect('1700000009999');
      asterisk.enter('b1', 'somebody');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect([...asterisk.music]).toEqual(['b1']);
    });

    it('is let go by the end of the hold where its worker is gone, whether or not it is alone', async () => {
      asterisk.music.add('b1');
      asterisk.bridged.set('b1', ['c1', 'somebody']);
      await commands.handle(tend({ do: 'end', cause: 16 }, over), 1);
      expect([...asterisk.music]).toEqual([]);
      expect(asterisk.live.has('c1')).toBe(true);
      asterisk.music.add('b1');
      asterisk.bridged.set('b1', ['c1']);
      await commands.handle(tend({ do: 'end', cause: 16 }, { ...over, commandId: '2' }), 1);
      expect([...asterisk.music]).toEqual([]);
      expect(asterisk.live.has('c1')).toBe(false);
    });

    it('hears no music of a worker that died before it said so, where somebody has come by then', async () => {
      asterisk.music.add('b1');
      asterisk.bridged.set('b1', ['c1', 'somebody']);
      await commands.handle(hold, 2);
      expect([...asterisk.music]).toEqual([]);
      expect(results()).toEqual(['not-alone']);
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
