import { z } from 'zod';

/** One SIP message as HOMER tells of it, whatever its version. */
export interface CapturedMessage {
  /** Call-ID under which HOMER keeps it. */
  readonly callId: string;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  /** IP addresses as HOMER has them. */
  readonly source: string;
  readonly destination: string;
  /** Of the agent that captured it; null where HOMER does not say. */
  readonly captureId: number | null;
  readonly raw: string;
}

/** From when to when the messages were captured; epoch ms. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Page {
  readonly messages: readonly CapturedMessage[];
  /** Rows of these Call-IDs that could not be read. */
  readonly unreadable: number;
}

/** One version of HOMER's API. */
export interface HomerApi {
  /**
   * What HOMER shows now of these Call-IDs: perhaps not all, perhaps twice, in no order. Nothing at all can mean that its
   * database is away.
   * @throws CodedError `HOMER_*`; the signal's reason when it aborts.
   */
  messages(callIds: readonly string[], span: TimeSpan, signal: AbortSignal): Promise<Page>;
}

/** HOMER writes numbers as such, as text, and as floating point. Nothing else is one: `null` is not 0. */
export const wholeNumber = z
  .union([z.number(), z.string().regex(/^\d{1,15}(?:\.0+)?$/)])
  .transform(Number)
  .pipe(z.number().int().nonnegative());

/** What is no number is not said: a row counts without it. */
export const captureIdOf = z
  .union([z.string(), z.number()])
  .nullish()
  .catch(null)
  .transform((value) => (/^\d{1,10}$/.test(String(value)) ? Number(value) : null));

/** Reads rows one by one, so that one that is broken does not hide the others. Rows that are not wanted give null. */
export function readRows(
  rows: readonly unknown[],
  read: (row: unknown) => CapturedMessage | null | 'unreadable',
): Page {
  const messages: CapturedMessage[] = [];
  let unreadable = 0;
  for (const row of rows) {
    const message = read(row);
    if (message === 'unreadable') unreadable += 1;
    else if (message !== null) messages.push(message);
  }
  return { messages, unreadable };
}
