import { isCoded, type Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';

/** Classes of SQLSTATE that speak of the data, not of the server: 22 data exception, 23 integrity, 54 program limit. */
const DATA_ERROR = /^(22|23|54)/;

/**
 * Writes a batch; where one dialog's data is refused, the others are written all the same, and that one is logged.
 * @returns how many dialogs were written.
 * @throws CodedError what `upsert` throws for every other reason: then the batch is to be written again, part of it perhaps
 * a second time.
 */
export async function writeBatch(
  evidence: readonly Evidence[],
  upsert: (evidence: readonly Evidence[]) => Promise<void>,
  log: Logger,
): Promise<number> {
  try {
    await upsert(evidence);
    return evidence.length;
  } catch (err) {
    if (!isDataError(err)) throw err;
    const [first, ...others] = evidence;
    if (first === undefined) return 0;
    if (others.length === 0) {
      log.error(
        { err, callId: first.callId },
        'Postgres refuses what this dialog consists of; it is not written',
      );
      return 0;
    }
    const half = Math.ceil(evidence.length / 2);
    return (
      (await writeBatch(evidence.slice(0, half), upsert, log)) +
      (await writeBatch(evidence.slice(half), upsert, log))
    );
  }
}

function isDataError(error: unknown): boolean {
  if (!isCoded(error, 'POSTGRES_QUERY_FAILED')) return false;
  const { postgresCode } = error.details;
  return typeof postgresCode === 'string' && DATA_ERROR.test(postgresCode);
}
