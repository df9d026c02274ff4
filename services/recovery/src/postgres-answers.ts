import { setTimeout as delay } from 'node:timers/promises';
import { withPostgresErrors } from '@reinvite/db';
import { codedError } from '@reinvite/runtime';

/** An answer that takes longer is none. */
const ANSWERS_WITHIN_MS = 500;
/** A replica whose own load delays the answers is not cut off from Postgres; one that has had none for so long is. */
const LATELY_MS = 3_000;

/** Whether Postgres answers this replica: what it works on is left to the others where it does not. */
export class PostgresAnswers {
  private asked: Promise<void> | null = null;
  private answeredAt = -Infinity;

  /**
   * @param query of Postgres, whose outcome does not matter
   * @param now ms, monotonic
   */
  constructor(
    private readonly query: () => Promise<unknown>,
    private readonly now: () => number,
  ) {}

  /** Asks, once for all who ask at the same time. @throws CodedError `POSTGRES_UNREACHABLE` where there is no answer in time. */
  mustAnswer(): Promise<void> {
    this.asked ??= this.ask().finally(() => (this.asked = null));
    return this.asked;
  }

  /** Asks, and says whether there was an answer lately. Never rejects. */
  lately(): Promise<boolean> {
    return this.mustAnswer().then(
      () => true,
      () => this.now() - this.answeredAt < LATELY_MS,
    );
  }

  private async ask(): Promise<void> {
    const answered = withPostgresErrors(this.query);
    answered.catch(() => undefined);
    const late = delay(ANSWERS_WITHIN_MS, 'late', { ref: false });
    if ((await Promise.race([answered, late])) === 'late')
      throw codedError('POSTGRES_UNREACHABLE', `no answer within ${ANSWERS_WITHIN_MS} ms`);
    this.answeredAt = this.now();
  }
}
