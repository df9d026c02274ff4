import type { Answer } from './answers.js';
import type { Behaviour } from './behaviour.js';
import type { Row, Store } from './store.js';

/** `POST /api/v3/call/transaction`, after homer-app's `GetTransaction` and `getTransactionSummary`. */
export function transaction(body: unknown, store: Store, behaviour: Behaviour): Answer {
  const { param, timestamp } = body as {
    param?: { search?: Record<string, { callid?: unknown }> };
    timestamp?: { from?: unknown; to?: unknown };
  };
  const profiles = Object.entries(param?.search ?? {});
  const sids: string[] = [];
  let table = '1_call';
  for (const [profile, { callid }] of profiles) {
    // A type assertion of Go, with nothing to catch it.
    if (!Array.isArray(callid)) return panic(behaviour);
    // Of several profiles the last one in the (random) order of a Go map counts, for all Call-IDs.
    table = profile;
    sids.push(...callid.map(String));
  }
  const { from, to } = timestamp ?? {};
  if (typeof from !== 'number' || typeof to !== 'number') return panic(behaviour);
  const [fromMs, toMs] = [wholeSecond(from), wholeSecond(to)];
  const rows = behaviour.databaseDown
    ? []
    : store.visible(table, sids, (atMs) => atMs >= fromMs && atMs <= toMs);
  const correlated =
    behaviour.correlates && rows.length > 0 ? [...otherLegs(rows), ...store.correlated(sids)] : [];
  const messages = [...correlated, ...rows].map((row) => messageOf(row, behaviour));
  return {
    status: 201,
    body: { data: { alias: {}, calldata: [], hosts: {}, messages }, keys: [], total: messages.length },
  };
}

function panic({ panicAs }: Behaviour): Answer {
  return panicAs === 'reset' ? 'reset' : { status: panicAs, body: '<html>502 Bad Gateway</html>' };
}

/** `time.Unix(int64(ms / 1000), 0)` */
function wholeSecond(ms: number): number {
  return Math.trunc(ms / 1_000) * 1_000;
}

/** Another leg's message with a Call-ID of its own, as a correlation by a header or by users finds it. */
function otherLegs(rows: readonly Row[]): Row[] {
  return rows.slice(0, 1).map((row) => ({
    ...row,
    id: row.id + 1_000_000,
    sid: `other-leg-of-${row.sid}`,
    raw: row.raw.replace(row.sid, `other-leg-of-${row.sid}`),
  }));
}

function messageOf({ id, sid, captured, raw, method, cseq, table }: Row, { microTs }: Behaviour): unknown {
  const { source, destination, at, ipProtocol, captureId, protocolType } = captured;
  const ms = Math.floor(at / 1_000);
  return {
    id,
    sid,
    callid: sid,
    method,
    method_text: method,
    cseq,
    create_date: ms,
    create_ts: ms,
    micro_ts: microTs === 'ms' ? ms : at,
    timeSeconds: Math.floor(at / 1_000_000),
    timeUseconds: at % 1_000_000,
    srcIp: source.address,
    srcPort: source.port,
    dstIp: destination.address,
    dstPort: destination.port,
    payloadType: protocolType,
    protocol: ipProtocol,
    protocolFamily: source.address.includes(':') ? 10 : 2,
    captureId: String(captureId ?? 0),
    capturePass: '',
    dbnode: 'localnode',
    node: 'localnode',
    profile: table,
    raw,
  };
}
