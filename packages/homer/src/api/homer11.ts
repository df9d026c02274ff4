import { z } from 'zod';
import { answerInvalid } from '../errors.js';
import type { HomerSession, Login } from '../session.js';
import { captureIdOf, readRows, type HomerApi, type Page, type TimeSpan } from './api.js';
import { microseconds } from './timestamp.js';

/** `POST /api/v4/auth/sessions` answers 201 `{"data": {"token": …}}`. */
export const HOMER11_LOGIN: Login = {
  path: '/api/v4/auth/sessions',
  tokenOf: (answer) =>
    z.object({ data: z.object({ token: z.string().min(1) }) }).safeParse(answer).data?.data.token ?? null,
};

const MESSAGES = '/api/v4/transactions/messages';
/** As in HOMER 7, with REFER among `default`. */
const EVENT_TYPES = ['call', 'default'] as const;
const SIP = 1;

const answerSchema = z.object({ data: z.object({ items: z.array(z.unknown()).nullish() }) });
const keySchema = z.object({ session_id: z.string() });
const rowSchema = z.object({
  timestamp: z.union([z.string(), z.number()]),
  src_ip: z.string(),
  dst_ip: z.string(),
  node_id: captureIdOf,
  payload: z.string(),
});

/** The v4 API of HOMER 11. */
export class Homer11 implements HomerApi {
  constructor(private readonly session: Pick<HomerSession, 'query'>) {}

  async messages(callIds: readonly string[], span: TimeSpan, signal: AbortSignal): Promise<Page> {
    const pages = await Promise.all(EVENT_TYPES.map((type) => this.ofType(type, callIds, span, signal)));
    return {
      messages: pages.flatMap((page) => page.messages),
      unreadable: pages.reduce((sum, page) => sum + page.unreadable, 0),
    };
  }

  private async ofType(
    eventType: (typeof EVENT_TYPES)[number],
    callIds: readonly string[],
    { fromMs, toMs }: TimeSpan,
    signal: AbortSignal,
  ): Promise<Page> {
    const question = {
      // What a release that knows no `session_ids` looks for.
      session_id: callIds[0],
      session_ids: [...callIds],
      proto_type: SIP,
      event_type: eventType,
      timestamp: { from: fromMs, to: toMs },
    };
    const answer = await this.session.query(MESSAGES, question, signal);
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success) throw answerInvalid(MESSAGES, 'no data.items');
    const wanted = new Set(callIds);
    return readRows(parsed.data.data.items ?? [], (row) => {
      const key = keySchema.safeParse(row).data;
      // Legs that a correlation script thinks belong to the call come along.
      if (key === undefined || !wanted.has(key.session_id)) return null;
      const read = rowSchema.safeParse(row).data;
      const at = read === undefined ? null : microseconds(read.timestamp);
      if (read === undefined || at === null) return 'unreadable';
      return {
        callId: key.session_id,
        at,
        source: read.src_ip,
        destination: read.dst_ip,
        captureId: read.node_id,
        raw: read.payload,
      };
    });
  }
}
