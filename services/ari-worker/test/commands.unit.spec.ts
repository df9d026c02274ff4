import { codedError, createLogger } from '@reinvite/runtime';
import { SOON } from '@reinvite/test-support';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from '../src/commands.js';
import { Target } from '../src/target.js';
import { FactStream } from './fact-stream.js';
import { connectionLost, FakeAsterisk, INCARNATION } from './fake-asterisk.js';
import { command, leg, pair } from './restore-commands.js';

const log = createLogger('test', 'silent');

describe('a command', () => {
  let asterisk: FakeAsterisk;
  let commands: Commands;
  let clock: number;
  let stream: FactStream;

  const start = (concurrency = 16): void => {
    const target = new Target({ nodeId: 'ast2', ari: asterisk.connection, concurrency, log });
    commands = new Commands({
      bus: stream.bus,
      targets: new Map([['ast2', target]]),
      answerTimeoutMs: 5_000,
      log,
      now: () => clock,
      closing: new AbortController().signal,
    });
  };
  const told = (): string[] => stream.told();
  const refusals = (): object[] => stream.refusals();

  beforeEach(() => {
    asterisk = new FakeAsterisk();
    clock = 0;
    stream = new FactStream();
    start();
  });

  it('originates a leg with its dialog and tells when it was sent and when the phone answered', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    await commands.handle(command(), 1);
    expect(told()).toEqual(['LegOriginated', 'LegAnswered']);
    expect(asterisk.originated).toEqual([
      {
        channelId: 'c1',
        endpoint: 'PJSIP/edge/sip:alice@10.0.0.9:5060;alias=10.0.0.9~5060~1',
        target: { app: 'demo', appArgs: ['recovered', 'abc'] },
        timeoutS: 5,
        variables: {
          'PJSIP_RECOVERY_CALL-ID': 'abc',
          PJSIP_RECOVERY_CSEQ: '3',
          'CHANNEL(accountcode)': 'acme',
        },
        callerId: '"Alice" <100>',
      },
    ]);
  });

  it('takes the answer from the event, also before the originate returns', async () => {
    asterisk.onOriginate = async ({ channelId }) => {
      asterisk.answer(channelId);
      await vi.waitFor(() => expect(told()).toEqual(['LegAnswered']), SOON);
    };
    await commands.handle(command(), 1);
    expect(told()).toEqual(['LegAnswered', 'LegOriginated']);
  });

  it('takes what the module says for what happened', async () => {
    asterisk.onOriginate = ({ channelId }) =>
      setImmediate(() => {
        asterisk.report(channelId, { result: 'refused', code: 'REC-OTHER' }, 'SomebodyElses');
        asterisk.report(channelId, { result: 'failed', status: '500', received: 'yes', retry_after: '7' });
        asterisk.destroy(channelId, 111, 400);
      });
    await commands.handle(command(), 1);
    expect(refusals()).toMatchObject([
      { reason: 'REINVITE_OUT_OF_ORDER', sent: true, cause: 111, status: 500, retryAfterMs: 7_000 },
    ]);
  });

  it('joins each leg as soon as it is in Stasis, and tells when all are in', async () => {
    asterisk.refusalsBeforeStasis = 2;
    const done = commands.handle(command(pair), 1);
    await vi.waitFor(() => expect(asterisk.originated).toHaveLength(2), SOON);
    asterisk.answer('c2');
    await vi.waitFor(() => expect(asterisk.bridged.get('b1')).toEqual(['c2']), SOON);
    expect(told()).not.toContain('LegsJoined');
    asterisk.answer('c1', { stasis: false });
    await vi.waitFor(() => expect(asterisk.requests.at(-1)).toBe('add c1'), SOON);
    asterisk.enterStasis('c1');
    await done;
    expect(asterisk.bridged.get('b1')).toEqual(['c2', 'c1']);
    expect(told().at(-1)).toBe('LegsJoined');
  });

  it('joins before it originates more', async () => {
    start(1);
    const released = new Map<string, () => void>();
    asterisk.onOriginate = ({ channelId }) =>
      new Promise<void>((resolve) => released.set(channelId, resolve));
    const first = commands.handle(command({ ...pair, legs: [leg('c1')] }), 1);
    const second = commands.handle(command({ commandId: 'r2-1', recoveryId: 'r2', legs: [leg('d1')] }), 1);
    const third = commands.handle(command({ commandId: 'r3-1', recoveryId: 'r3', legs: [leg('e1')] }), 1);
    await vi.waitFor(() => expect(released.has('c1')).toBe(true), SOON);
    released.get('c1')?.();
    await vi.waitFor(() => expect(released.has('d1')).toBe(true), SOON);
    asterisk.answer('c1');
    await new Promise((resolve) => setImmediate(resolve));
    released.get('d1')?.();
    await vi.waitFor(() => expect(released.has('e1')).toBe(true), SOON);
    released.get('e1')?.();
    expect(asterisk.requests.indexOf('add c1')).toBeLessThan(asterisk.requests.indexOf('originate e1'));
    asterisk.answer('d1');
    asterisk.answer('e1');
    await Promise.all([first, second, third]);
  });

  it('tells that legs are not joined when one of them ends first', async () => {
    const done = commands.handle(command(pair), 1);
    await vi.waitFor(() => expect(asterisk.originated).toHaveLength(2), SOON);
    asterisk.answer('c1');
    asterisk.answer('c2', { stasis: false });
    asterisk.destroy('c2', 16);
    await done;
    expect(stream.facts.at(-1)).toMatchObject({ type: 'JoinFailed', reason: 'LEG_ENDED' });
  });

  it('leaves no empty bridge behind when no leg comes back', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 17, 486));
    await commands.handle(command(pair), 1);
    expect(asterisk.requests).toContain('bridge b1');
    expect([...asterisk.bridged.keys()]).toEqual([]);
    expect(told()).not.toContain('JoinFailed');
  });

  it('keeps a bridge that others are in when no leg comes back', async () => {
    asterisk.bridged.set('b1', ['somebody']);
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 17, 486));
    await commands.handle(command(pair), 1);
    expect(asterisk.bridged.get('b1')).toEqual(['somebody']);
  });

  it('keeps a bridge that it has not made, also where nobody is in it', async () => {
    asterisk.bridged.set('b1', []);
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 17, 486));
    await commands.handle(command(pair), 1);
    expect([...asterisk.bridged.keys()]).toEqual(['b1']);
  });

  it('keeps the bridge that it has made where somebody has entered it since', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.destroy(channelId, 17, 486));
    const { create } = asterisk.bridges;
    asterisk.bridges.create = async (bridgeId) => {
      const made = await create(bridgeId);
      asterisk.enter(bridgeId, 'somebody');
      return made;
    };
    await commands.handle(command(pair), 1);
    expect(asterisk.bridged.get('b1')).toEqual(['somebody']);
  });

  it('sends nothing after its deadline', async () => {
    clock = 1_001;
    await commands.handle(command(), 1);
    expect(refusals()).toMatchObject([{ reason: 'DEADLINE_PASSED', sent: false }]);
    expect(asterisk.originated).toEqual([]);
  });

  it('sends nothing to another life of the target, nor to one that is not connected', async () => {
    await commands.handle(command({ targetIncarnation: 'another' }), 1);
    asterisk.disconnect();
    await commands.handle(command({ commandId: 'r2-1', legs: [leg('c2')] }), 1);
    expect(refusals()).toMatchObject([
      { legId: 'leg-c1', reason: 'TARGET_UNREACHABLE', sent: false },
      { legId: 'leg-c2', reason: 'TARGET_UNREACHABLE', sent: false },
    ]);
    expect(asterisk.originated).toEqual([]);
  });

  it('tells that nothing was sent when ARI refuses the originate', async () => {
    asterisk.onOriginate = () => {
      throw codedError('ARI_REQUEST_FAILED', 'Allocation failed', { status: 500 });
    };
    await commands.handle(command(), 1);
    expect(refusals()).toMatchObject([{ reason: 'ORIGINATE_REFUSED', sent: false }]);
  });

  it('goes on with the channel of an originate whose answer cannot be read', async () => {
    asterisk.onOriginate = () => {
      throw codedError('ARI_REQUEST_FAILED', 'unexpected answer', { status: 200 });
    };
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(asterisk.requests).toContain('find c1'), SOON);
    asterisk.answer('c1');
    await done;
    expect(told()).toEqual(['LegOriginated', 'LegAnswered']);
  });

  it('goes on with a channel that exists already', async () => {
    asterisk.live.set('c1', { state: 'Down', appName: '' });
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(asterisk.requests).toContain('find c1'), SOON);
    asterisk.answer('c1');
    await done;
    expect(told()).toEqual(['LegOriginated', 'LegAnswered']);
    expect(asterisk.originated).toEqual([]);
  });

  it('looks for the channel when the connection breaks in the middle of the originate', async () => {
    asterisk.onOriginate = () => {
      throw connectionLost(true);
    };
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(asterisk.requests).toContain('find c1'), SOON);
    asterisk.answer('c1');
    await done;
    expect(told()).toContain('LegAnswered');
  });

  it('says that a re-INVITE may have left when the channel of a broken originate is not there', async () => {
    asterisk.onOriginate = ({ channelId }) => {
      asterisk.live.delete(channelId);
      throw connectionLost(true);
    };
    await commands.handle(command(), 1);
    expect(refusals()).toMatchObject([{ reason: 'OUTCOME_UNKNOWN', sent: true }]);
    expect(told()).not.toContain('LegOriginated');
    expect(asterisk.originated).toHaveLength(2);
  });

  it('says that the target was lost when it comes back as another', async () => {
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(told()).toContain('LegOriginated'), SOON);
    asterisk.disconnect();
    asterisk.connect('1700000009999');
    await done;
    expect(refusals()).toMatchObject([{ reason: 'TARGET_LOST', sent: true }]);
  });

  it('is left to another worker where this one does not reach the target any more, and not for ever', async () => {
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(told()).toContain('LegOriginated'), SOON);
    asterisk.disconnect();
    await expect(done).rejects.toThrow(/ARI_UNREACHABLE/);
    expect(refusals()).toEqual([]);
    clock = 6_001;
    await commands.handle(command(), 2);
    expect(refusals()).toMatchObject([{ reason: 'TARGET_LOST', sent: true }]);
  });

  it('catches up with what happened while the connection was away', async () => {
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(told()).toContain('LegOriginated'), SOON);
    asterisk.disconnect();
    asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
    asterisk.connect(INCARNATION);
    await done;
    expect(told()).toContain('LegAnswered');
  });

  it('is carried out once, however often it is delivered', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    await Promise.all([commands.handle(command(), 1), commands.handle(command(), 2)]);
    await commands.handle(command(), 3);
    expect(asterisk.originated).toHaveLength(1);
    expect(told()).toEqual(['LegOriginated', 'LegAnswered']);
  });

  it('that another worker had begun goes on with the channel that is there', async () => {
    asterisk.live.set('c1', { state: 'Up', appName: 'Stasis' });
    await commands.handle(command(), 2);
    expect(told().sort()).toEqual(['LegAnswered', 'LegOriginated']);
    expect(asterisk.originated).toEqual([]);
  });

  it('whose worker died before it originated is originated by the next one', async () => {
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    await commands.handle(command(pair), 2);
    expect(asterisk.originated.map(({ channelId }) => channelId)).toEqual(['c1', 'c2']);
    expect(told().at(-1)).toBe('LegsJoined');
  });

  it('whose re-INVITE had left before its worker died is found out by the module, and counts as sent', async () => {
    asterisk.onOriginate = ({ channelId }) =>
      setImmediate(() => {
        asterisk.report(channelId, { result: 'refused', code: 'REC-CSEQ-USED' });
        asterisk.destroy(channelId, 111, 400);
      });
    await commands.handle(command(), 2);
    expect(refusals()).toMatchObject([{ reason: 'OUTCOME_UNKNOWN', sent: true }]);
  });

  it('that another worker may have begun counts as sent where it comes too late', async () => {
    clock = 1_001;
    await commands.handle(command(), 2);
    expect(refusals()).toMatchObject([{ reason: 'OUTCOME_UNKNOWN', sent: true }]);
    expect(asterisk.originated).toEqual([]);
  });

  it('keeps its facts until NATS takes them', async () => {
    stream.isAway = true;
    asterisk.onOriginate = ({ channelId }) => setImmediate(() => asterisk.answer(channelId));
    const done = commands.handle(command(), 1);
    await vi.waitFor(() => expect(asterisk.live.get('c1')?.state).toBe('Up'), SOON);
    stream.isAway = false;
    await done;
    expect(told().sort()).toEqual(['LegAnswered', 'LegOriginated']);
  });
});
