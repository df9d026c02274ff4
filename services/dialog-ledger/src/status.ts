import { subjects, type Bus } from '@reinvite/bus';
import { ledgerStatusRequest, type LedgerStatus } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';
import type { Counters } from './counters.js';
import type { Ledger } from './ledger.js';
import type { Listener } from './listener.js';
import type { Namesakes } from './namesakes.js';

export interface StatusSources {
  readonly ledgerId: string;
  readonly namesakes: Pick<Namesakes, 'instanceId' | 'count'>;
  readonly listener: Listener;
  readonly ledger: Pick<Ledger, 'holding'>;
  readonly counters: Counters;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** What the ledger has counted since it started, and what it holds. */
export async function statusOf(sources: StatusSources): Promise<LedgerStatus> {
  const { ledgerId, namesakes, listener, ledger, counters, startedAt } = sources;
  return {
    ledgerId,
    instanceId: namesakes.instanceId,
    namesakes: namesakes.count,
    startedAt,
    at: Date.now(),
    ...counters.counts,
    kernelDrops: await listener.kernelDrops(),
    receiveBufferBytes: listener.receiveBufferBytes,
    connections: listener.connections,
    ...ledger.holding,
  };
}

/** Answers `reinvite.ledger.status`. */
export function answerStatus(bus: Bus, sources: StatusSources): void {
  const refuse = (error: unknown) => ({ code: isCoded(error) ? error.code : 'LEDGER_FAILED' });
  bus.respond(subjects.ledgerStatus, ledgerStatusRequest, () => statusOf(sources), refuse);
}
