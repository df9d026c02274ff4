import { isCoded, type Logger } from '@reinvite/runtime';
import { dialogKey, type Evidence } from '@reinvite/sip';

/** Classes of SQLSTATE that speak of the data, not of the server: 22 data exception, 23 integrity, 54 program limit. */
const DATA_ERROR = /^(22|23|54)/;
/** SQLSTATE of a statement timeout. */
const TIMEOUT = '57014';
/** So often a batch, or a dialog alone, may take too long before it is taken for the reason: the server may have been slow. */
const PATIENCE = 3;
/** So many dialogs that each take too long are the server's doing. */
const MAX_SLOW = 4;

type Upsert = (evidence: readonly Evidence[]) => Promise<void>;

/** What became of a batch, in dialogs. */
export interface WrittenBatch {
  readonly dialogs: number;
  /** Cannot be written as they are; logged, and left out. */
  readonly refused: number;
}

/** Writes batches such that one dialog that cannot be written does not keep the others back. */
export class BatchWriter {
  /** By dialog, how often it alone took too long. */
  private readonly slow = new Map<string, number>();
  /** Batches in a row that took too long as a whole. */
  private slowBatches = 0;

  constructor(private readonly log: Logger) {}

  /**
   * Writes a batch; where the data of one dialog is refused, or is too much, the others are written all the same.
   * @throws CodedError what `upsert` throws for every other reason: then the batch is to be written again, part of it perhaps
   * a second time.
   */
  async write(evidence: readonly Evidence[], upsert: Upsert): Promise<WrittenBatch> {
    const counts = { dialogs: 0, refused: 0 };
    const slow: { one: Evidence; err: unknown }[] = [];
    const refuse = (one: Evidence, err: unknown): void => {
      counts.refused += 1;
      this.log.error({ err, callId: one.callId }, 'a dialog cannot be written to Postgres; it is left out');
    };
    const writePart = async (part: readonly Evidence[]): Promise<void> => {
      try {
        await upsert(part);
        counts.dialogs += part.length;
        if (this.slow.size > 0) part.forEach((one) => this.slow.delete(keyOf(one)));
        if (part === evidence) this.slowBatches = 0;
      } catch (err) {
        if (!isOfData(err) && !isTimeout(err)) throw err;
        if (part === evidence && isTimeout(err) && this.isServersDoing()) throw err;
        const [first, ...others] = part;
        if (first === undefined) return;
        if (others.length > 0) {
          const half = Math.ceil(part.length / 2);
          await writePart(part.slice(0, half));
          await writePart(part.slice(half));
        } else if (isTimeout(err)) {
          slow.push({ one: first, err });
          if (slow.length > (counts.dialogs === 0 ? 1 : MAX_SLOW)) throw err;
        } else refuse(first, err);
      }
    };
    await writePart(evidence);
    for (const { one, err } of slow) {
      if (counts.dialogs === 0 || !this.isTooOften(one)) throw err;
      refuse(one, err);
    }
    return counts;
  }

  /** A server that is slow for a while is not asked a dozen times in a row, each for as long as it lets a statement run. */
  private isServersDoing(): boolean {
    this.slowBatches += 1;
    return this.slowBatches < PATIENCE;
  }

  private isTooOften(one: Evidence): boolean {
    const key = keyOf(one);
    const times = (this.slow.get(key) ?? 0) + 1;
    if (times < PATIENCE) this.slow.set(key, times);
    else this.slow.delete(key);
    return times >= PATIENCE;
  }
}

function keyOf(one: Evidence): string {
  return `${one.callId} ${dialogKey(one)}`;
}

/** Of the data, too, is what was never sent: it could not be made a statement, as where the text would be too long. */
function isOfData(error: unknown): boolean {
  if (!isCoded(error)) return error instanceof RangeError;
  return isCoded(error, 'POSTGRES_QUERY_FAILED') && DATA_ERROR.test(sqlStateOf(error));
}

function isTimeout(error: unknown): boolean {
  return isCoded(error, 'POSTGRES_BUSY') && sqlStateOf(error) === TIMEOUT;
}

function sqlStateOf({ details }: { readonly details: Readonly<Record<string, unknown>> }): string {
  return typeof details.postgresCode === 'string' ? details.postgresCode : '';
}
