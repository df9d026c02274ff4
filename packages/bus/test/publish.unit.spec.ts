import type { JetStreamPublishOptions, PubAck } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { publishAcknowledged } from '../src/publish.js';

/** A stream that loses what it is sent a number of times. */
function losing(times: number) {
  const sent: Partial<JetStreamPublishOptions>[] = [];
  const publish = async (
    _subject: string,
    _payload: unknown,
    options: Partial<JetStreamPublishOptions> = {},
  ): Promise<PubAck> => {
    sent.push(options);
    if (sent.length <= times) throw new Error('timeout');
    return { stream: 's', seq: 7, duplicate: false };
  };
  return { sent, js: { publish } as Parameters<typeof publishAcknowledged>[0] };
}

describe('a message that has to be acknowledged', () => {
  it('is sent again under the same id when a server took it along', async () => {
    const { sent, js } = losing(2);
    expect(await publishAcknowledged(js, 'subject', 'text', 'id-1')).toMatchObject({ seq: 7 });
    expect(sent.map(({ msgID }) => msgID)).toEqual(['id-1', 'id-1', 'id-1']);
  });

  it('is given up after five seconds in all', async () => {
    const { sent, js } = losing(Infinity);
    await expect(publishAcknowledged(js, 'subject', 'text', 'id-1')).rejects.toThrow('timeout');
    expect(sent.reduce((sum, { timeout = 0 }) => sum + timeout, 0)).toBe(5_000);
  });
});
