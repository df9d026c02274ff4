import { codedError, createLogger } from '@reinvite/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { FakeAsterisk } from './fake-asterisk.js';
import { command, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');

describe('a leg that leads to the dead node only', () => {
  let asterisk: FakeAsterisk;
  let commands: Commands;
  let stream: FactStream;

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    asterisk.live.set('far-end', { state: 'Up', appName: 'Stasis' });
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

  it('is hung up when the phones are in, and not before', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    await commands.handle(command({ ...pair, hangUp: ['far-end'] }), 1);
    const { requests } = asterisk;
    expect(stream.told()).toContain('LegsJoined');
    expect(requests.at(-1)).toBe('hangup far-end');
    expect(asterisk.live.has('far-end')).toBe(false);
  });

  it('stays where none of them came: they may be reached from elsewhere', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 111, 481));
    await commands.handle(command({ ...pair, hangUp: ['far-end'] }), 1);
    expect(asterisk.live.has('far-end')).toBe(true);
  });

  it('is all that there is to do where the call was nothing else', async () => {
    await commands.handle(command({ ...pair, legs: [], hangUp: ['far-end'] }), 1);
    expect(asterisk.requests).toEqual(['hangup far-end']);
    expect(stream.told()).toEqual([]);
  });

  it('does no harm where it is gone already', async () => {
    asterisk.channels.hangup = async () => {
      throw codedError('ARI_NOT_FOUND', 'no such channel', { status: 404 });
    };
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    await commands.handle(command({ ...pair, hangUp: ['far-end'] }), 1);
    expect(stream.told()).toContain('LegsJoined');
  });
});
