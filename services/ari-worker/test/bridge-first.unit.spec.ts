import { createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ChannelLife } from '../src/channel-life.js';
import { Bridging } from '../src/join.js';
import { Target } from '../src/target.js';
import { FakeAsterisk } from './fake-asterisk.js';

const log = createLogger('test', 'silent');
const JOIN = { kind: 'ari-bridge', bridgeId: 'b1', bridgeType: 'mixing', name: '' } as const;

describe('a bridge, while many originates wait for their turn', () => {
  let asterisk: FakeAsterisk;
  let target: Target;
  let letGo: () => void;

  const originate = (channelId: string): Promise<boolean> =>
    target.originate({ channelId } as Parameters<Target['originate']>[0], () => true);
  const requests = (): string[] => asterisk.requests.filter((request) => !request.startsWith('find'));
  const answered = (channelId: string): ChannelLife => {
    asterisk.live.set(channelId, { state: 'Up', appName: 'Stasis' });
    return new ChannelLife(channelId);
  };

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency: 1, log });
    const busy = new Promise<void>((resolve) => (letGo = resolve));
    asterisk.onOriginate = ({ channelId }) => (channelId === 'first' ? busy : undefined);
  });

  it('is asked for behind them, so that no re-INVITE waits for it', async () => {
    void originate('first');
    const all = [originate('second'), target.createBridge('b1', 'mixing', ''), originate('third')];
    letGo();
    await Promise.all(all);
    expect(requests()).toEqual(['originate first', 'originate second', 'bridge b1', 'originate third']);
  });

  it('goes first once a phone has answered and waits for it', async () => {
    const bridging = new Bridging(JOIN, target, log);
    void originate('first');
    const second = originate('second');
    bridging.prepare();
    const added = bridging.add(answered('c1'));
    letGo();
    expect(await added).toBeUndefined();
    await second;
    expect(requests().slice(0, 2)).toEqual(['originate first', 'bridge b1']);
    expect(asterisk.bridged.get('b1')).toEqual(['c1']);
  });

  it('goes first when it has to be asked for anew', async () => {
    asterisk.astray = 1;
    const bridging = new Bridging(JOIN, target, log);
    bridging.prepare();
    await vi.waitFor(() => expect(requests()).toEqual(['bridge b1']), SOON);
    void originate('first');
    const second = originate('second');
    const hurried = vi.spyOn(target, 'hurry');
    const added = bridging.add(answered('c1'));
    await vi.waitFor(() => expect(hurried.mock.calls.length).toBeGreaterThan(1), SOON);
    letGo();
    expect(await added).toBeUndefined();
    await second;
    expect(requests().slice(0, 3)).toEqual(['bridge b1', 'originate first', 'bridge b1']);
  });
});
