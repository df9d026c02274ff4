import type { JetStreamClient, PubAck } from '@nats-io/jetstream';

/**
 * A server that goes away takes what it was sent along, and nobody tells: it is sent again, under the same id, which JetStream
 * stores once. Calls wait for it, so the pauses are short.
 */
const TRIES = 4;
const TRY_MS = 1_250;

/** Publishes until it is acknowledged, for {@link TRIES} times {@link TRY_MS} at most. Rejects with the last try's error. */
export async function publishAcknowledged(
  js: Pick<JetStreamClient, 'publish'>,
  subject: string,
  payload: Uint8Array | string,
  id: string,
): Promise<PubAck> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await js.publish(subject, payload, { msgID: id, timeout: TRY_MS });
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
