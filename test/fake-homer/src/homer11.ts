import { errorV4, type Answer } from './answers.js';
import type { Behaviour } from './behaviour.js';
import type { Row, Store } from './store.js';

const MAX_SESSION_IDS = 50;

/** `POST /api/v4/transactions/messages`, after homer-core's `queryTransactionMessages`. */
export function messages(body: unknown, store: Store, behaviour: Behaviour): Answer {
  const question = body as {
    session_id?: string;
    session_ids?: string[];
    proto_type?: number;
    event_type?: string;
    timestamp?: { from?: number; to?: number };
  };
  const several = [...new Set((question.session_ids ?? []).map((id) => id.trim()))].slice(0, MAX_SESSION_IDS);
  const single = question.session_id?.trim() ?? '';
  const sids = several.length > 0 ? several : single === '' ? [] : [single];
  if (sids.length === 0)
    return errorV4(400, 'Bad Request', 'session_id or non-empty session_ids is required');
  if (behaviour.databaseDown) return errorV4(500, 'Server Error', 'Query failed');
  const table = `${question.proto_type || 1}_${question.event_type || 'call'}`;
  const { from = 0, to = 0 } = question.timestamp ?? {};
  const isWanted = (atMs: number): boolean => from <= 0 || to <= 0 || (atMs >= from && atMs <= to);
  const rows = store.visible(table, sids, isWanted);
  // What is being written just now is in the buffer and in the table.
  const items = [...rows, ...rows.slice(-1)].map(itemOf);
  if (behaviour.correlates && items[0] !== undefined)
    items.push({ ...items[0], session_id: `other-leg-of-${single}` });
  // A nil slice of Go.
  return { status: 200, body: { data: { items: items.length === 0 ? null : items }, meta: {} } };
}

function itemOf({ id, sid, captured, raw, method, cseq }: Row): Record<string, unknown> {
  const { source, destination, at, ipProtocol, captureId } = captured;
  const timestamp = `${new Date(Math.floor(at / 1_000_000) * 1_000).toISOString().slice(0, 19)}.${String(at % 1_000_000).padStart(6, '0')}Z`;
  return {
    uuid: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
    date: timestamp.slice(0, 10),
    timestamp,
    session_id: sid,
    caller: '',
    callee: '',
    src_ip: source.address,
    dst_ip: destination.address,
    src_port: source.port,
    dst_port: destination.port,
    method,
    response_code: /^\d+$/.test(method) ? method : '',
    cseq_method: cseq.split(' ')[1] ?? '',
    protocol: ipProtocol,
    node_id: String(captureId ?? 0),
    cid: '',
    payload: raw,
    data_extra: '{}',
    storage_lake: 'homer_lake',
    storage_volume: 'default',
  };
}
