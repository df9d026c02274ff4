import { z } from 'zod';
import { answerInvalid } from '../errors.js';
import type { HomerSession, Login } from '../session.js';
import { captureIdOf, readRows, wholeNumber, type HomerApi, type Page, type TimeSpan } from './api.js';

/** `POST /api/v3/auth` answers 201 `{"token": …}`. */
export const HOMER7_LOGIN: Login = {
  path: '/api/v3/auth',
  tokenOf: (answer) => z.object({ token: z.string().min(1) }).safeParse(answer).data?.token ?? null,
};

const TRANSACTION = '/api/v3/call/transaction';
/**
 * heplify-server sorts SIP by method: what makes a dialog is in `1_call`, while NOTIFY, MESSAGE or OPTIONS, which use up
 * CSeq numbers of a dialog too, are in `1_default`. One profile a request: of several only the last counts.
 */
const PROFILES = ['1_call', '1_default'] as const;
/** HOMER 7 looks at whole seconds only. */
const SECOND_MS = 1_000;
const SIP = 1;
/** As long as the seconds of a HEP packet are. */
const MAX_SECONDS = 2 ** 32 - 1;

const answerSchema = z.object({ data: z.object({ messages: z.array(z.unknown()).nullish() }) });
/** Of every row, correlated ones included. `micro_ts` is not read: it is in ms up to 1.5.15 and in µs after it. */
const keySchema = z.object({ sid: z.string(), payloadType: wholeNumber });
const rowSchema = z.object({
  timeSeconds: wholeNumber.pipe(z.number().positive().max(MAX_SECONDS)),
  timeUseconds: wholeNumber.pipe(z.number().max(999_999)),
  srcIp: z.string(),
  dstIp: z.string(),
  captureId: captureIdOf,
  raw: z.string(),
});

/** The v3 API of homer-app. */
export class Homer7 implements HomerApi {
  constructor(private readonly session: Pick<HomerSession, 'query'>) {}

  async messages(callIds: readonly string[], span: TimeSpan, signal: AbortSignal): Promise<Page> {
    const pages = await Promise.all(PROFILES.map((profile) => this.profile(profile, callIds, span, signal)));
    return {
      messages: pages.flatMap((page) => page.messages),
      unreadable: pages.reduce((sum, page) => sum + page.unreadable, 0),
    };
  }

  private async profile(
    profile: (typeof PROFILES)[number],
    callIds: readonly string[],
    span: TimeSpan,
    signal: AbortSignal,
  ): Promise<Page> {
    const answer = await this.session.query(TRANSACTION, question(profile, callIds, span), signal);
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success) throw answerInvalid(TRANSACTION, 'no data.messages');
    const wanted = new Set(callIds);
    return readRows(parsed.data.data.messages ?? [], (row) => {
      const key = keySchema.safeParse(row).data;
      // RTCP, logs and other legs that HOMER thinks belong to the call come along.
      if (key === undefined || key.payloadType !== SIP || !wanted.has(key.sid)) return null;
      const read = rowSchema.safeParse(row).data;
      if (read === undefined) return 'unreadable';
      return {
        callId: key.sid,
        at: read.timeSeconds * 1_000_000 + read.timeUseconds,
        source: read.srcIp,
        destination: read.dstIp,
        captureId: read.captureId,
        raw: read.raw,
      };
    });
  }
}

/** `callid` must be there and be an array, or HOMER panics; `limit` is ignored; a `whitelist` would exclude. */
function question(profile: string, callIds: readonly string[], { fromMs, toMs }: TimeSpan): unknown {
  return {
    param: {
      transaction: {},
      limit: 200,
      orlogic: false,
      search: { [profile]: { callid: [...callIds] } },
      location: { node: [] },
      timezone: { value: 0, name: 'UTC' },
    },
    timestamp: {
      from: Math.floor(fromMs / SECOND_MS) * SECOND_MS,
      to: Math.ceil(toMs / SECOND_MS) * SECOND_MS,
    },
  };
}
