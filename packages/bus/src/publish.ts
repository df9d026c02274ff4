import type { JetStreamClient, PubAck } from '@nats-io/jetstream';
import { InvalidArgumentError } from '@nats-io/transport-node';

/**
 * A server that goes away takes what it was sent along, and nobody tells: it is sent again, under the same id, which JetStream
 * stores once. Calls wait for it, so the pauses are short.
 */
const TRY_MS = 1_250;
/** A stream that has no leader yet refuses at once: the next try leaves it time to find one. */
const PAUSES_MS = [100, 200, 400] as const;
/** Nobody sends it again, so a slow server has twice the time. */
const ONCE_MS = 2 * TRY_MS;

/**
 * Publishes until it is acknowledged: once more than there are {@link PAUSES_MS}, each for {@link TRY_MS} at most, its pause
 * included. Rejects with the last try's error; at once where the client will never send it (`max_payload`).
 */
export async function publishAcknowledged(
  js: Pick<JetStreamClient, 'publish'>,
  subject: string,
  payload: Uint8Array | string,
  id: string,
): Promise<PubAck> {
  const publish = (): Promise<PubAck> => js.publish(subject, payload, { msgID: id, timeout: TRY_MS });
  for (const pauseMs of PAUSES_MS) {
    const begun = performance.now();
    try {
      return await publish();
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error;
      const leftMs = begun + TRY_MS - performance.now();
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
    }
  }
  return publish();
}

/**
 * Publishes without a second try, for what must not be stored behind what was sent after it: a try that is refused and made
 * again would be. Rejects after {@link ONCE_MS}, or as soon as it is refused; it may have been stored all the same.
 */
export function publishOnce(
  js: Pick<JetStreamClient, 'publish'>,
  subject: string,
  payload: Uint8Array | string,
  id: string,
): Promise<PubAck> {
  return js.publish(subject, payload, { msgID: id, timeout: ONCE_MS });
}
