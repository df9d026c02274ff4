import { codedError } from '@reinvite/runtime';
import { z } from 'zod';
import type { DomainEvent } from './event.js';

/** A stored event of an earlier release, with its `type`. */
export type RawEvent = Readonly<Record<string, unknown>> & DomainEvent;

/** Turns one version of an event into the next; it may change the type as well, for one that was renamed. */
export type Upcaster = (event: RawEvent) => RawEvent;

export interface EventCodecOptions<E extends DomainEvent> {
  /** The events as they are today. */
  readonly schema: z.ZodType<E>;
  /** For each type (by the name it was stored under) the steps from version 1 on. The current version is one more than the steps. */
  readonly upcasters?: Readonly<Record<string, readonly Upcaster[]>>;
}

/** Knows the shape of every event, today's and those before. */
export class EventCodec<E extends DomainEvent> {
  constructor(private readonly options: EventCodecOptions<E>) {}

  /** Version in which events of this type are written. */
  version(type: string): number {
    return (this.options.upcasters?.[type]?.length ?? 0) + 1;
  }

  /**
   * Splits an event into what the columns hold.
   * @throws CodedError `EVENT_INVALID` for one that could not be read again, and its whole stream with it.
   */
  encode(event: E): { type: string; schemaVersion: number; data: Record<string, unknown> } {
    const result = this.options.schema.safeParse(event);
    if (!result.success)
      throw codedError('EVENT_INVALID', `${event.type}: ${z.prettifyError(result.error)}`, {
        type: event.type,
      });
    const { type, ...data } = event;
    return { type, schemaVersion: this.version(type), data };
  }

  /**
   * Brings a stored event up to date and validates it.
   * @throws CodedError `EVENT_UNKNOWN` for a type or version of another release, and for data that does not fit.
   */
  decode(type: string, schemaVersion: number, data: Readonly<Record<string, unknown>>): E {
    if (schemaVersion > this.version(type)) {
      throw codedError('EVENT_UNKNOWN', `${type} version ${schemaVersion} is newer than this release`, {
        type,
        schemaVersion,
      });
    }
    const steps = this.options.upcasters?.[type]?.slice(schemaVersion - 1) ?? [];
    const current = steps.reduce<RawEvent>((event, step) => step(event), { ...data, type });
    const result = this.options.schema.safeParse(current);
    if (result.success) return result.data;
    throw codedError('EVENT_UNKNOWN', `${type} version ${schemaVersion}: ${z.prettifyError(result.error)}`, {
      type,
      schemaVersion,
    });
  }
}
