import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { codedError } from '@reinvite/runtime';
import { streams, type StreamKey } from './subjects.js';

/** How long JetStream remembers message ids, so that a publish that is tried again is stored once. */
const DUPLICATE_WINDOW_NS = 120 * 1e9;

/**
 * Creates the streams that are missing and brings the others up to date. Safe to run from many services at once.
 * @param replicas of each stream; left as it is where it is not given.
 */
export async function ensureStreams(connection: NatsConnection, replicas: number | undefined): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of Object.values(streams)) {
    const config = {
      subjects: [...stream.subjects],
      max_age: stream.maxAgeNs,
      duplicate_window: DUPLICATE_WINDOW_NS,
      ...(replicas === undefined ? {} : { num_replicas: replicas }),
    };
    if (await exists(manager, stream.name)) {
      await manager.streams.update(stream.name, config);
    } else {
      await manager.streams.add({
        name: stream.name,
        ...config,
        storage: StorageType.File,
        retention: stream.workQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      });
    }
  }
}

async function exists(manager: JetStreamManager, name: string): Promise<boolean> {
  for await (const known of manager.streams.names()) if (known === name) return true;
  return false;
}

/**
 * Checks that streams are there, for an account that may not create any.
 * @throws CodedError `NATS_STREAM_MISSING`
 */
export async function requireStreams(connection: NatsConnection, keys: readonly StreamKey[]): Promise<void> {
  if (keys.length === 0) return;
  const manager = await jetstreamManager(connection);
  for (const { name } of keys.map((key) => streams[key])) {
    try {
      await manager.streams.info(name);
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError) || cause.code !== JetStreamApiCodes.StreamNotFound)
        throw cause;
      throw codedError(
        'NATS_STREAM_MISSING',
        `${name} is not there; run \`reinvite migrate\``,
        { stream: name },
        cause,
      );
    }
  }
}
