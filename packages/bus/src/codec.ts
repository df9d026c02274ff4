import { codedError } from '@reinvite/runtime';
import { z } from 'zod';

/** JSON in UTF-8. */
export function encode(message: unknown): string {
  return JSON.stringify(message);
}

/**
 * Parses and validates a message of a peer.
 * @throws CodedError `MESSAGE_INVALID`
 */
export function decode<T>(schema: z.ZodType<T>, subject: string, text: string): T {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw codedError('MESSAGE_INVALID', `not JSON on ${subject}`, { subject }, cause);
  }
  const result = schema.safeParse(raw);
  if (!result.success) throw codedError('MESSAGE_INVALID', z.prettifyError(result.error), { subject });
  return result.data;
}
