import { createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { connectionLost, FakeAsterisk, INCARNATION } from './fake-asterisk.js';
import { command, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');

describe('a request that goes astray', () => {
  let asterisk: FakeAsterisk;
  let stream: FactStream;
  let commands: Commands;

  const told = (): string[] => stream.told();

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

  it('is sent once more under the same id and CSeq where the first request went astray', async () => {
    asterisk.onOriginate = ({ channelId }) => {
      if (asterisk.originated.length > 1) return setImmediate(() => asterisk.answer(channelId));
      asterisk.live.delete(channelId);
      throw connectionLost(true);
    };
    await commands.handle(command(), 1);
    const [one, two, ...more] = asterisk.originated;
    expect(more).toEqual([]);
    expect(two).toEqual(one);
    expect(told().toSorted()).toEqual(['LegAnswered', 'LegOriginated']);
  });

  it('is sent once more where the connection came back before the request failed', async () => {
    let fail = (): void => undefined;
    asterisk.onOriginate = ({ channelId }) => {
      if (asterisk.originated.length > 1) return setImmediate(() => asterisk.answer(channelId));
      asterisk.live.delete(channelId);
      return new Promise((_, reject) => (fail = () => reject(connectionLost(true))));
    };
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(asterisk.originated).toHaveLength(1), SOON);
    asterisk.disconnect();
    asterisk.connect(INCARNATION);
    await new Promise((resolve) => setTimeout(resolve, 500));
    fail();
    await done;
    expect(told().toSorted()).toEqual(['LegAnswered', 'LegOriginated']);
  });

  it('joins also where requests for the bridge and for the legs in it go astray first', async () => {
    asterisk.astray = 1;
    const done = commands.handle(command(pair), 1);
    await vi.waitFor(() => expect(asterisk.originated).toHaveLength(2), SOON);
    await vi.waitFor(() => expect(asterisk.astray).toBe(0), SOON);
    asterisk.astray = 2;
    asterisk.answer('c1');
    asterisk.answer('c2');
    await done;
    expect(asterisk.astray).toBe(0);
    expect(asterisk.bridged.get('b1')?.toSorted()).toEqual(['c1', 'c2']);
    expect(told().at(-1)).toBe('LegsJoined');
  });
});
