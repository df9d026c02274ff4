import type { AriEventOf } from '@reinvite/ari';
import { z } from 'zod';

/** How `res_pjsip_recovery` says that a recovery ended which did not succeed. */
export type RecoveryReport =
  /** Nothing was sent; `code` as `REC-CSEQ-INVALID`. */
  | { readonly result: 'refused'; readonly code: string }
  /** `received`: whether the status is of an answer, and not made up for the lack of one. */
  | {
      readonly result: 'failed';
      readonly status: number;
      readonly received: boolean;
      readonly retryAfterMs: number | null;
    };

const EVENT_NAME = 'ReinviteRecovery';

const report = z.discriminatedUnion('result', [
  z.object({ result: z.literal('refused'), code: z.string() }),
  z.object({
    result: z.literal('failed'),
    status: z
      .string()
      .regex(/^\d{1,3}$/)
      .transform(Number),
    received: z.enum(['yes', 'no']).transform((said) => said === 'yes'),
    /** Seconds; empty where the answer has no Retry-After. */
    retry_after: z.string().regex(/^\d{0,10}$/),
  }),
]);

/** The report that a user event is; null for any other, and for one that nobody can read. */
export function readReport({ eventname, userevent }: AriEventOf<'ChannelUserevent'>): RecoveryReport | null {
  if (eventname !== EVENT_NAME) return null;
  const { data } = report.safeParse(userevent);
  if (data === undefined || data.result === 'refused') return data ?? null;
  const { status, received, retry_after: seconds } = data;
  return {
    result: 'failed',
    status,
    received,
    retryAfterMs: seconds === '' ? null : Number(seconds) * 1_000,
  };
}
