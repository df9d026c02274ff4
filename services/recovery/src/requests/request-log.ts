import { database, recoveryRequests, withPostgresErrors, type Pool } from '@reinvite/db';
import { recoveryReply, recoveryRequest, type RecoveryReply, type RecoveryRequest } from '@reinvite/domain';
import { codedError } from '@reinvite/runtime';
import { eq } from 'drizzle-orm';

export type Accepted = Extract<RecoveryReply, { readonly status: 'accepted' }>;

/** What is known of a request's key: whether it was asked before, and with what answer (null while it is worked on). */
export interface Known {
  readonly before: boolean;
  readonly reply: Accepted | null;
}

/** Keeps requests by their key, so that one that is asked twice is done once. */
export class RequestLog {
  constructor(private readonly pool: Pool) {}

  /**
   * Takes note of a request.
   * @throws CodedError `RECOVERY_REQUEST_INVALID` where the key belongs to another request; `POSTGRES_UNREACHABLE`.
   */
  async open(request: RecoveryRequest, at: number): Promise<Known> {
    const db = database(this.pool);
    const { idempotencyKey, requestedBy, dryRun } = request;
    return withPostgresErrors(async () => {
      const inserted = await db
        .insert(recoveryRequests)
        .values({ idempotencyKey, request, requestedBy, dryRun, receivedAt: new Date(at) })
        .onConflictDoNothing()
        .returning({ key: recoveryRequests.idempotencyKey });
      if (inserted.length > 0) return { before: false, reply: null };
      const [row] = await db
        .select()
        .from(recoveryRequests)
        .where(eq(recoveryRequests.idempotencyKey, idempotencyKey));
      if (row !== undefined && !isSame(recoveryRequest.safeParse(row.request).data, request)) {
        throw codedError(
          'RECOVERY_REQUEST_INVALID',
          'this idempotencyKey was used for another node or call',
          { idempotencyKey },
        );
      }
      const reply = recoveryReply.safeParse(row?.reply).data;
      return { before: true, reply: reply?.status === 'accepted' ? reply : null };
    });
  }

  /** Keeps the answer for whoever asks again. */
  async answered(reply: Accepted, at: number): Promise<void> {
    await withPostgresErrors(() =>
      database(this.pool)
        .update(recoveryRequests)
        .set({ reply, repliedAt: new Date(at) })
        .where(eq(recoveryRequests.idempotencyKey, reply.idempotencyKey)),
    );
  }

  /** Nothing was done: the key may be used again. */
  async refused(idempotencyKey: string): Promise<void> {
    await withPostgresErrors(() =>
      database(this.pool).delete(recoveryRequests).where(eq(recoveryRequests.idempotencyKey, idempotencyKey)),
    );
  }
}

function isSame(one: RecoveryRequest | undefined, other: RecoveryRequest): boolean {
  return one?.nodeId === other.nodeId && one?.callId === other.callId;
}
