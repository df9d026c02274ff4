import { codedError } from '@reinvite/runtime';

const MINUTE_MS = 60_000;
/** Names are only claimed: as many as are kept count by themselves, the total limit holds for all. */
const REQUESTERS_KEPT = 1_000;

export interface RateSettings {
  /** By one requester. */
  readonly perMinute: number;
  /** By all together. */
  readonly totalPerMinute: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** How often it may be asked for recoveries: a bucket for each requester and one for all, refilled within a minute. */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();
  private readonly total: Bucket;

  /** @param now ms of a clock that never goes back. */
  constructor(
    private readonly settings: RateSettings,
    private readonly now: () => number,
  ) {
    this.total = { left: settings.totalPerMinute, at: now() };
  }

  /** @throws CodedError `RECOVERY_REQUEST_RATE` where this requester, or all together, have asked too often of late. */
  take(requestedBy: string): void {
    const { perMinute } = this.settings;
    const bucket = this.buckets.get(requestedBy) ?? { left: perMinute, at: this.now() };
    // The last one asked is kept longest.
    this.buckets.delete(requestedBy);
    this.buckets.set(requestedBy, bucket);
    for (const oldest of this.buckets.keys()) {
      if (this.buckets.size <= REQUESTERS_KEPT) break;
      this.buckets.delete(oldest);
    }
    this.refill(bucket, perMinute);
    if (bucket.left < 1) throw tooOften(`more than ${perMinute} requests a minute of one requester`);
    this.takeUnnamed();
    bucket.left -= 1;
  }

  /** For a request that does not tell whose it is. @throws CodedError `RECOVERY_REQUEST_RATE` as above, of all together. */
  takeUnnamed(): void {
    const { totalPerMinute } = this.settings;
    this.refill(this.total, totalPerMinute);
    if (this.total.left < 1)
      throw tooOften(`more than ${totalPerMinute} requests a minute of all requesters`);
    this.total.left -= 1;
  }

  private refill(bucket: Bucket, perMinute: number): void {
    const now = this.now();
    bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = now;
  }
}

function tooOften(message: string): Error {
  return codedError('RECOVERY_REQUEST_RATE', `${message}; ask again later`);
}
