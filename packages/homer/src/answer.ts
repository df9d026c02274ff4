import { createHash } from 'node:crypto';
import { applyMessage, emptyCall, type CallDialogs, type Observed } from '@reinvite/sip';
import type { CapturedMessage } from './api/api.js';
import type { Placing } from './capture/placing.js';

/** What one answer of HOMER shows, by Call-ID. */
export function byCallId(
  messages: readonly CapturedMessage[],
): ReadonlyMap<string, readonly CapturedMessage[]> {
  const found = new Map<string, CapturedMessage[]>();
  for (const message of messages) {
    const known = found.get(message.callId);
    if (known === undefined) found.set(message.callId, [message]);
    else known.push(message);
  }
  return found;
}

/** The same for the same set of messages, whatever their order and however often each is there. */
export function fingerprintOf(messages: readonly CapturedMessage[]): string {
  const digests = messages.map(({ at, source, destination, raw }) =>
    digest(`${at} ${source} ${destination} ${raw}`),
  );
  return digest([...new Set(digests)].sort().join(' '));
}

export interface Folded {
  readonly call: CallDialogs;
  /** Messages that could not be read. */
  readonly unreadable: number;
}

/**
 * Folds the messages of one Call-ID as the nodes sent and received them.
 * @param counts which of them are to be looked at.
 */
export function foldMessages(
  callId: string,
  messages: readonly CapturedMessage[],
  place: Placing,
  counts: (observed: Observed) => boolean,
): Folded {
  const placed = messages.map(place);
  const call = placed
    .flatMap((one) => (one.kind === 'placed' ? one.observed : []))
    .filter(counts)
    .sort((a, b) => a.at - b.at)
    .reduce(applyMessage, emptyCall(callId));
  return { call, unreadable: placed.filter(({ kind }) => kind === 'unreadable').length };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
