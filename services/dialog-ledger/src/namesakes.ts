import { setTimeout as delay } from 'node:timers/promises';
import { subjects, type Bus } from '@reinvite/bus';
import { ledgerStatus } from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';

const LOOK_EVERY_MS = 10_000;
const ANSWERS_WITHIN_MS = 500;
/** More ledgers than anybody runs. */
const LEDGERS = 64;

/**
 * Looks for other ledgers of the same name. What a ledger writes it joins with what another one has written of a call, and the name
 * is all that tells them apart: two of one name write over each other. A restart may show the process before for a moment.
 */
export class Namesakes {
  /** How many answered at the last look. */
  count = 0;

  constructor(
    private readonly ledgerId: string,
    /** Of this process; the others have others. */
    readonly instanceId: string,
    private readonly log: Logger,
  ) {}

  /** Until the signal aborts. An outage of NATS shows nobody. */
  async watch(bus: Pick<Bus, 'requestMany'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(bus);
      // Rejects only when the signal aborts, which ends the loop.
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Asks once. */
  async look(bus: Pick<Bus, 'requestMany'>): Promise<void> {
    const { ledgerId, instanceId, log } = this;
    const request = { type: 'LedgerStatusRequest' };
    const answers = await bus.requestMany(
      subjects.ledgerStatus,
      request,
      ledgerStatus,
      LEDGERS,
      ANSWERS_WITHIN_MS,
    );
    const others = answers.filter((one) => one.ledgerId === ledgerId && one.instanceId !== instanceId);
    if (others.length > 0) {
      const err = codedError('LEDGER_ID_TAKEN', `another dialog-ledger is called ${ledgerId}`, {
        ledgerId,
        others: others.length,
      });
      log.error(
        { err },
        'two dialog-ledgers write over each other: give each a dialogLedger.ledgerId of its own',
      );
    } else if (this.count > 0) log.info({ ledgerId }, 'no other dialog-ledger has this name any more');
    this.count = others.length;
  }
}
