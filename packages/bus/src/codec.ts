import { codedError } from '@reinvite/runtime';
import { z } from 'zod';

/** JSON in UTF-8. */
export function encode(message: unknown): string {
  return JSON.stringify(message);
}

/**
 * The subject on which that message may come, where an account's rights are told by the subject: what it says there of another
 * node is not its to say, and is invalid. Without it any subject will do.
 */
export type SubjectOf<T> = (message: T) => string;

/**
 * Parses and validates a message of a peer.
 * @throws CodedError `MESSAGE_INVALID`
 */
export function decode<T>(schema: z.ZodType<T>, subject: string, text: string, subjectOf?: SubjectOf<T>): T {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw codedError('MESSAGE_INVALID', `not JSON on ${subject}`, { subject }, cause);
  }
  const result = schema.safeParse(raw);
  if (!result.success) throw codedError('MESSAGE_INVALID', z.prettifyError(result.error), { subject });
  const own = subjectOf?.(result.data) ?? subject;
  if (own !== subject)
    throw codedError('MESSAGE_INVALID', `what belongs on ${own} came on ${subject}`, { subject });
  return result.data;
}
