import type { JetStreamPublishOptions, PubAck } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { publishAcknowledged, publishOnce } from '../src/publish.js';

/** A stream that does not store what it is sent a number of times; it says so at once, or after its time is over. */
function losing(times: number, how: 'at once' | 'in time') {
  const sent: (Partial<JetStreamPublishOptions> & { readonly at: number })[] = [];
  const publish = async (
    _subject: string,
    _payload: unknown,
    options: Partial<JetStreamPublishOptions> = {},
  ): Promise<PubAck> => {
    sent.push({ ...options, at: performance.now() });
    if (sent.length > times) return { stream: 's', seq: 7, duplicate: false };
    if (how === 'in time') await new Promise((resolve) => setTimeout(resolve, options.timeout));
    throw new Error(how === 'in time' ? 'timeout' : 'no responders');
  };
  return { sent, js: { publish } as Parameters<typeof publishAcknowledged>[0] };
}

describe('a message that has to be acknowledged', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it('is sent again under the same id when a server took it along', async () => {
    const { sent, js } = losing(2, 'in time');
    const stored = publishAcknowledged(js, 'subject', 'text', 'id-1');
    await vi.runAllTimersAsync();
    expect(await stored).toMatchObject({ seq: 7 });
    expect(sent.map(({ msgID }) => msgID)).toEqual(['id-1', 'id-1', 'id-1']);
  });

  it.each([
    ['five seconds, without pauses, where no answer comes', 'in time', [0, 1_250, 2_500, 3_750]],
    ['pauses in which a stream without a leader finds one', 'at once', [0, 100, 300, 700]],
  ] as const)('is given up after %s', async (_, how, at) => {
    const { sent, js } = losing(Infinity, how);
    const begun = performance.now();
    const given = expect(publishAcknowledged(js, 'subject', 'text', 'id-1')).rejects.toThrow();
    await vi.runAllTimersAsync();
    await given;
    expect(sent.map((one) => one.at - begun)).toEqual(at);
    expect(sent.map(({ timeout }) => timeout)).toEqual([1_250, 1_250, 1_250, 1_250]);
  });

  it.each(['at once', 'in time'] as const)(
    'is sent once where it must not be stored behind what follows it, and that it was not stored is said %s',
    async (how) => {
      const { sent, js } = losing(1, how);
      const given = expect(publishOnce(js, 'subject', 'text', 'id-1')).rejects.toThrow();
      await vi.runAllTimersAsync();
      await given;
      expect(sent).toHaveLength(1);
    },
  );
});
