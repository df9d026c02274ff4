import { isCoded } from '@reinvite/runtime';

/** What an error says, without the code in front, for use in another coded error. */
export function messageOf(error: unknown): string {
  if (isCoded(error)) return error.message.slice(error.code.length + 2);
  return error instanceof Error ? error.message : String(error);
}
