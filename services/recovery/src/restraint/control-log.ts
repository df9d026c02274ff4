import { randomUUID } from 'node:crypto';
import type { Database } from '@reinvite/db';
import {
  CONTROL_STREAM,
  decideControl,
  evolveControl,
  running,
  type Control,
  type ControlCommand,
  type ControlEvent,
} from '@reinvite/domain';
import type { EventStore, NewEvent } from '@reinvite/event-store';
import { codedError, isCoded } from '@reinvite/runtime';
import { sql } from 'drizzle-orm';

/** What holds recovery back as a whole, as of one version of its stream. */
export interface ControlRecord {
  readonly control: Control;
  readonly version: number;
}

export type Told = ControlRecord & { readonly happened: readonly ControlEvent[] };

/** Stops, mass failures and what operators made of them: one stream of events, read anew each time, so that no replica can be behind. */
export class ControlLog {
  constructor(private readonly store: Pick<EventStore<ControlEvent>, 'append' | 'readStream'>) {}

  /** @throws CodedError `POSTGRES_UNREACHABLE`, `EVENT_UNKNOWN`. */
  async read(): Promise<ControlRecord> {
    const events = await this.store.readStream(CONTROL_STREAM);
    const control = events.reduce((folded, { event }) => evolveControl(folded, event), running);
    return { control, version: events.at(-1)?.version ?? 0 };
  }

  /** Decides on what is recorded now, and records it; again where another replica was first. @throws as {@link read}. */
  async tell(command: ControlCommand): Promise<Told> {
    for (;;) {
      const { control, version } = await this.read();
      const happened = decideControl(command, control);
      const [first, ...rest] = happened.map((event): NewEvent<ControlEvent> => ({ id: randomUUID(), event }));
      if (first === undefined) return { control, version, happened };
      try {
        const appended = await this.store.append({
          streamId: CONTROL_STREAM,
          expectedVersion: version,
          events: [first, ...rest],
        });
        return { control: happened.reduce(evolveControl, control), version: appended.version, happened };
      } catch (error) {
        if (!isCoded(error, 'STREAM_VERSION_CONFLICT')) throw error;
      }
    }
  }
}

/**
 * To be run in the transaction that records plans: they go in only if what they were made under is still so. The share lock makes
 * a stop wait for plans that are being recorded; once it is recorded none goes in any more, on any replica.
 * @throws CodedError `RECOVERY_RESTRAINED`: to be planned again.
 */
export function guardOf(version: number): (tx: Database) => Promise<void> {
  return async (tx) => {
    const { rows } = await tx.execute<{ version: number }>(
      sql`select version from streams where stream_id = ${CONTROL_STREAM} for share`,
    );
    const found = rows[0]?.version ?? 0;
    if (found !== version)
      throw codedError('RECOVERY_RESTRAINED', 'what holds recovery back has changed meanwhile', {
        version,
        found,
      });
  };
}
