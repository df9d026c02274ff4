import type { AriEvent } from '@reinvite/ari';
import { codedError } from '@reinvite/runtime';

type WithoutCommon<T> = T extends unknown ? Omit<T, 'timestamp' | 'application'> : never;

/** What an event says; when, and to whom, is added where it is told. */
export type EventOf = WithoutCommon<AriEvent>;

/** What ARI answers to a request that it refuses. */
export function refused(
  code: 'ARI_CONFLICT' | 'ARI_NOT_FOUND' | 'ARI_REQUEST_FAILED',
  status: number,
): Error {
  return codedError(code, `ARI answered ${status}`, { status });
}
