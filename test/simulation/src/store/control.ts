import type { Database } from '@reinvite/db';
import { CONTROL_STREAM, controlEvent, nodeEvent, type NodeDeath } from '@reinvite/domain';
import { ControlLog } from '@reinvite/recovery/logic';
import { codedError } from '@reinvite/runtime';
import type { Process } from '../world/process.js';
import type { Wrong } from '../wrong.js';
import { SimulatedEventStore } from './events.js';
import type { Postgres } from './server.js';

const NODE = 'node-';

/** What holds recovery back as a whole. */
export function simulatedControl(process: Process, postgres: Postgres, wrong: Wrong): ControlLog {
  return new ControlLog(new SimulatedEventStore(process, postgres, controlEvent, wrong));
}

/** The deaths that were recorded since a moment, epoch ms. */
export function simulatedDeaths(
  process: Process,
  postgres: Postgres,
): (since: number) => Promise<NodeDeath[]> {
  return (since) =>
    postgres.transact(process, 'read deaths', (_tx, { streams }) =>
      [...streams.entries()]
        .filter(([streamId]) => streamId.startsWith(NODE))
        .flatMap(([, rows]) => rows.filter(({ recordedAt }) => recordedAt >= since))
        .flatMap(({ json }) => {
          const event = nodeEvent.parse(JSON.parse(json));
          return event.type === 'NodeDown' ? [event] : [];
        }),
    );
}

/** In a transaction: whether what was read of the control stream is still all of it. */
export function simulatedGuard(
  postgres: Postgres,
  { noGuard }: Wrong,
): (version: number) => (tx: Database) => Promise<void> {
  return (version) => async () => {
    const found = postgres.tables.streams.get(CONTROL_STREAM)?.length ?? 0;
    if (found !== version && !noGuard)
      throw codedError('RECOVERY_RESTRAINED', 'what holds recovery back has changed meanwhile');
  };
}
