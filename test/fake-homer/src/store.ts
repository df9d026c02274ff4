import type { HepPacket } from '@reinvite/sip';
import type { Behaviour } from './behaviour.js';

/** A captured message as the agents hand it over. */
export type Captured = Pick<HepPacket, 'source' | 'destination' | 'at' | 'ipProtocol' | 'captureId'> & {
  /** 1 for SIP. */
  readonly protocolType: number;
  readonly payload: Buffer;
  readonly correlationId?: string | null;
};

/** One row of a table. */
export interface Row {
  readonly id: number;
  readonly table: string;
  /** Call-ID of a SIP message, correlation id of everything else. */
  readonly sid: string;
  readonly captured: Captured;
  readonly raw: string;
  readonly method: string;
  readonly cseq: string;
  /** Epoch ms. */
  readonly visibleAt: number;
}

const CALL_METHODS = new Set(['INVITE', 'ACK', 'BYE', 'CANCEL', 'UPDATE', 'PRACK', 'INFO']);

/** The tables of HOMER, with messages that are there and not to be seen yet. */
export class Store {
  private readonly rows: Row[] = [];
  private readonly startedAt = Date.now();

  constructor(private readonly behaviour: Behaviour) {}

  add(captured: Captured): void {
    const raw = captured.payload.toString('utf8');
    const isSip = captured.protocolType === 1;
    const header = (name: string): string =>
      new RegExp(`^(?:${name})[ \\t]*:[ \\t]*(.*?)[ \\t]*\\r?$`, 'im').exec(raw)?.[1] ?? '';
    const cseq = header('CSeq');
    const cseqMethod = cseq.split(/\s+/)[1] ?? '';
    const [first = ''] = raw.split(/\r?\n/, 1);
    const method = first.startsWith('SIP/2.0') ? (first.split(' ')[1] ?? '') : (first.split(' ')[0] ?? '');
    const { payload, ...rest } = captured;
    this.rows.push({
      id: this.rows.length + 1,
      table: isSip
        ? `1_${CALL_METHODS.has(cseqMethod) ? 'call' : 'default'}`
        : `${captured.protocolType}_default`,
      sid: isSip ? header('Call-ID|i') : (captured.correlationId ?? ''),
      captured: { ...rest, payload },
      raw,
      method,
      cseq,
      visibleAt: this.nextFlush(this.rows.length),
    });
  }

  /** What is to be seen now. */
  visible(table: string, sids: readonly string[], isWanted: (atMs: number) => boolean): Row[] {
    const wanted = new Set(sids);
    const now = Date.now();
    return this.rows.filter(
      (row) =>
        row.table === table &&
        wanted.has(row.sid) &&
        row.visibleAt <= now &&
        isWanted(row.captured.at / 1_000),
    );
  }

  /** Rows of the same call that are no SIP messages of it. */
  correlated(sids: readonly string[]): Row[] {
    const wanted = new Set(sids);
    return this.rows.filter(({ table, sid }) => !table.startsWith('1_') && wanted.has(sid));
  }

  /** When the writer of this row writes next. */
  private nextFlush(row: number): number {
    const { flushMs, writers } = this.behaviour;
    if (flushMs === 0) return 0;
    const offset = (flushMs / writers) * (row % writers);
    const since = Date.now() - this.startedAt - offset;
    return this.startedAt + offset + (Math.floor(since / flushMs) + 1) * flushMs;
  }
}
