import { jetstreamManager, RetentionPolicy, StorageType, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { streams } from './subjects.js';

/** How long JetStream remembers message ids, so that a publish that is tried again is stored once. */
const DUPLICATE_WINDOW_NS = 120 * 1e9;

/** Creates the streams that are missing and brings the others up to date. Safe to run from many services at once. */
export async function ensureStreams(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of Object.values(streams)) {
    const config = {
      subjects: [...stream.subjects],
      max_age: stream.maxAgeNs,
      duplicate_window: DUPLICATE_WINDOW_NS,
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
