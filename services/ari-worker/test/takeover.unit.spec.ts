import { codedError, createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { connectionLost, FakeAsterisk, INCARNATION } from './fake-asterisk.js';
import { command, leg, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');

describe('a command that comes to a second worker', () => {
  let asterisk: FakeAsterisk;
  let stream: FactStream;

  /** @param reached the node as this worker reaches it */
  const worker = (reached = asterisk, bus = stream.bus, answerTimeoutMs = 5_000): Commands =>
    new Commands({
      bus,
      targets: new Map([
        ['ast2', new Target({ nodeId: 'ast2', ari: reached.connection, concurrency: 16, log })],
      ]),
      answerTimeoutMs,
      log,
      now: () => 0,
      closing: new AbortController().signal,
    });
  const unreachable = (): FakeAsterisk => {
    const node = new FakeAsterisk();
    node.info = undefined;
    return node;
  };
  const answering = (): void => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
  };

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    stream = new FactStream();
  });

  it('sends nothing any more of what the first said that it had not sent', async () => {
    await worker(unreachable()).handle(command(), 1);
    answering();
    await worker().handle(command(), 2);
    expect(asterisk.originated).toEqual([]);
    expect(stream.facts[0]).toMatchObject({ type: 'LegRefused', reason: 'TARGET_UNREACHABLE', sent: false });
    expect(stream.told()).not.toContain('LegOriginated');
  });

  it('sends the other leg of a call of which the first had refused one', async () => {
    asterisk.onOriginate = ({ channelId }) => {
      if (channelId === 'c2') return;
      asterisk.live.delete(channelId);
      throw codedError('ARI_REQUEST_FAILED', 'Allocation failed', { status: 500 });
    };
    void worker().handle(command(pair), 1);
    await vi.waitFor(() => expect(stream.refusals()).toHaveLength(1), SOON);
    asterisk.live.clear();
    asterisk.originated.splice(0);
    answering();
    await worker().handle(command(pair), 2);
    expect(asterisk.originated.map(({ channelId }) => channelId)).toEqual(['c2']);
  });

  it('is its own once it has claimed it: the first no longer says that nothing was sent', async () => {
    let release = (): void => undefined;
    const mayTell = new Promise<void>((resolve) => (release = resolve));
    const tries = vi.fn();
    const told = worker(unreachable(), {
      publishDurable: async (...message) => {
        tries();
        await mayTell;
        return stream.bus.publishDurable(...message);
      },
    }).handle(command(), 1);
    await vi.waitFor(() => expect(tries).toHaveBeenCalled(), SOON);
    answering();
    await worker().handle(command(), 2);
    release();
    await told;
    expect(asterisk.originated).toHaveLength(1);
    expect(stream.told()).toEqual(['LegOriginated', 'LegAnswered']);
  });

  it('is not sent by a third worker either, and counts as sent where no channel is there', async () => {
    asterisk.onOriginate = ({ channelId }) => {
      asterisk.live.delete(channelId);
    };
    void worker().handle(command(), 2);
    await vi.waitFor(() => expect(asterisk.originated).toHaveLength(1), SOON);
    await worker().handle(command(), 3);
    expect(asterisk.originated).toHaveLength(1);
    expect(stream.refusals()).toMatchObject([{ reason: 'OUTCOME_UNKNOWN', sent: true }]);
  });

  it('tells what the module refuses, though it has claimed it', async () => {
    asterisk.onOriginate = ({ channelId }) =>
      setImmediate(() => {
        asterisk.report(channelId, { result: 'refused', code: 'REC-SDP-UNSUPPORTED' });
        asterisk.destroy(channelId, 111, 400);
      });
    await worker().handle(command(), 2);
    expect(stream.refusals()).toMatchObject([{ reason: 'OFFER_UNSUPPORTED', sent: false }]);
  });

  it('hears of an answer that fell into a gap of the connection', async () => {
    asterisk.live.set('c1', { state: 'Down', appName: '' });
    const done = worker(asterisk, stream.bus, 3_600_000).handle(command(), 2);
    await vi.waitFor(() => expect(stream.told()).toEqual(['LegOriginated']), SOON);
    asterisk.disconnect();
    asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
    asterisk.connect(INCARNATION);
    await done;
    expect(stream.told()).toEqual(['LegOriginated', 'LegAnswered']);
  });

  it('does not hang up a channel whose answer was not heard', async () => {
    asterisk.live.set('c1', { state: 'Down', appName: '' });
    const done = worker(asterisk, stream.bus, 100).handle(command(), 2);
    await vi.waitFor(() => expect(stream.told()).toEqual(['LegOriginated']), SOON);
    asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
    await done;
    expect(stream.told()).toEqual(['LegOriginated', 'LegAnswered']);
    expect(asterisk.requests).not.toContain('hangup c1');
  });

  it('goes on with a join in whose middle the first worker has lost the node', async () => {
    asterisk.onOriginate = ({ channelId }) =>
      setImmediate(() => asterisk.answer(channelId, { stasis: false }));
    const cutOff = worker().handle(command(pair), 1);
    const failed = expect(cutOff).rejects.toMatchObject({ code: 'ARI_UNREACHABLE' });
    await vi.waitFor(
      () => expect(stream.told().filter((type) => type === 'LegAnswered')).toHaveLength(2),
      SOON,
    );
    const reached = new FakeAsterisk();
    asterisk.live.forEach((_, channelId) => reached.live.set(channelId, { state: 'Up', appName: 'Stasis' }));
    asterisk.disconnect();
    await failed;
    expect(stream.told()).not.toContain('JoinFailed');

    await worker(reached).handle(command(pair), 2);
    expect(reached.bridged.get('b1')?.toSorted()).toEqual(['c1', 'c2']);
    expect(stream.told().at(-1)).toBe('LegsJoined');
  });

  it('is handed on while its channel cannot be looked for, and nothing is sent', async () => {
    asterisk.channels.find = async () => Promise.reject(connectionLost(true));
    await expect(worker().handle(command(), 2)).rejects.toThrow(/ARI_UNREACHABLE/);
    expect(asterisk.originated).toEqual([]);
    expect(stream.facts).toEqual([]);
  });
});

describe('a node that cannot be asked', () => {
  it('is not taken for one on which the channel is not there', async () => {
    const asterisk = new FakeAsterisk();
    const stream = new FactStream();
    asterisk.onOriginate = () => {
      throw connectionLost(true);
    };
    asterisk.channels.find = async () => Promise.reject(connectionLost(true));
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 16, log });
    const commands = new Commands({
      bus: stream.bus,
      targets: new Map([['ast2', target]]),
      answerTimeoutMs: 5_000,
      log,
      now: () => 0,
      closing: new AbortController().signal,
    });
    await expect(commands.handle(command(), 1)).rejects.toThrow(/ARI_UNREACHABLE/);
    expect(stream.facts).toEqual([]);
  });

  it('is waited for once, however many channels are looked for, and only those that are not seen are lost', async () => {
    const asterisk = new FakeAsterisk();
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 16, log });
    const listeners = asterisk.listenerCount('up');
    const names = Array.from({ length: 50 }, (_, number) => `c${number}`);
    const lives = names.map((id) => target.follow(leg(id).channelId, INCARNATION));
    const seen = target.follow('seen', INCARNATION);
    asterisk.live.set('seen', { state: 'Down', appName: '' });
    expect(await target.look(seen)).toBe(true);
    const { find } = asterisk.channels;
    asterisk.channels.find = async () => Promise.reject(connectionLost(true));
    await Promise.all(lives.map((life) => target.look(life)));
    expect(asterisk.listenerCount('up')).toBe(listeners);
    const outcomes = await Promise.all(lives.map(({ outcome }) => outcome));
    expect(new Set(outcomes.map((outcome) => 'why' in outcome && outcome.why))).toEqual(
      new Set(['CONNECTION_LOST']),
    );
    asterisk.channels.find = find;
    expect(seen.isOver).toBe(false);
    asterisk.answer('seen');
    expect(await seen.outcome).toEqual({ kind: 'answered' });
  });
});
