import { createHash } from 'node:crypto';
import { applyMessage, emptyCall, type CallDialogs, type Observed } from '@reinvite/sip';
import type { Page } from './api/api.js';
import type { Placing } from './capture/placing.js';

/** What one answer of HOMER shows of one Call-ID. */
export interface CallAnswer {
  readonly call: CallDialogs;
  /** The same for the same set of messages, whatever their order and however often each is there. */
  readonly fingerprint: string;
}

export interface Reading {
  /** Only of Call-IDs with a message of a node. */
  readonly calls: ReadonlyMap<string, CallAnswer>;
  readonly unreadable: number;
}

/** Folds what HOMER shows, Call-ID by Call-ID. */
export function readPage(page: Page, place: Placing): Reading {
  let { unreadable } = page;
  const observed = new Map<string, Observed[]>();
  const digests = new Map<string, Set<string>>();
  for (const captured of page.messages) {
    const placed = place(captured);
    if (placed.kind === 'unreadable') unreadable += 1;
    else if (placed.observed.length > 0) {
      const { callId, at, source, destination, raw } = captured;
      listOf(observed, callId, () => []).push(...placed.observed);
      listOf(digests, callId, () => new Set<string>()).add(digest(`${at} ${source} ${destination} ${raw}`));
    }
  }
  const calls = new Map(
    [...observed].map(([callId, messages]): [string, CallAnswer] => [
      callId,
      {
        call: messages.sort((a, b) => a.at - b.at).reduce(applyMessage, emptyCall(callId)),
        fingerprint: digest([...(digests.get(callId) ?? [])].sort().join(' ')),
      },
    ]),
  );
  return { calls, unreadable };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function listOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
