import { createLogger } from '@reinvite/runtime';
import {
  applyMessage,
  dialogsOf,
  emptyCall,
  parseSip,
  visible,
  type CallDialogs,
  type Evidence,
} from '@reinvite/sip';
import { startBackends, type Backends } from '@reinvite/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDialogs, type LoadedPage, PostgresDialogSource, removeDialogs } from '../src/dialogs.js';
import { joinDialogs, writeDialogs } from '../src/write-dialogs.js';
import { connectPool, type Pool } from '../src/pool.js';

const log = createLogger('test', 'fatal');
const START = 1_800_000_000_000_000;

/** A call to Asterisk: its INVITE, then our 200 with the given tag. */
function callOf(callId: string, tag = 'a1'): { invited: CallDialogs; answered: CallDialogs } {
  const common = (to: string): string =>
    `Via: SIP/2.0/UDP 10.77.0.5\r\nFrom: "Ünï \\"q\\"" <sip:phone@x>;tag=p1\r\nTo: <sip:app@x>${to}\r\nCall-ID: ${callId}\r\n` +
    `CSeq: 1 INVITE\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nContact: <sip:c@192.0.2.1;alias=a~1~1>\r\n` +
    `Session-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n\r\n` +
    `v=0\r\no=- 18446744073709551615 1 IN IP4 x\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n`;
  const fold = (call: CallDialogs, direction: 'sent' | 'received', at: number, text: string): CallDialogs =>
    applyMessage(call, { direction, at: START + at, nodeId: 'ast1', message: parseSip(Buffer.from(text)) });
  const invited = fold(emptyCall(callId), 'received', 0, `INVITE sip:app@x SIP/2.0\r\n${common('')}`);
  return { invited, answered: fold(invited, 'sent', 900_000, `SIP/2.0 200 OK\r\n${common(`;tag=${tag}`)}`) };
}

describe('the table of dialogs', () => {
  let backends: Backends;
  let pool: Pool;
  let source: PostgresDialogSource;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
    source = new PostgresDialogSource(pool);
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });
  beforeEach(() => pool.query('truncate dialogs'));

  const loaded = async (): Promise<LoadedPage[]> => {
    const pages: LoadedPage[] = [];
    await loadDialogs(pool, (page) => pages.push(page));
    return pages;
  };

  it('gives back what was written, field by field', async () => {
    const { answered } = callOf('c1');
    await writeDialogs(pool, visible(answered), 'ledger-1');
    const found = await source.findByCallIds(['c1', 'unknown']);
    expect([...found.keys()]).toEqual(['c1']);
    expect(found.get('c1')).toEqual(dialogsOf(answered));
    expect(found.get('c1')).toMatchObject([
      {
        inviteCSeq: 1,
        localSession: { origin: { sessionId: '18446744073709551615' }, streams: [{ direction: 'sendonly' }] },
        sessionTimer: { intervalS: 1_800, refresher: 'remote' },
        unsure: [],
      },
    ]);
  });

  it('gives back the evidence for a fold to go on with', async () => {
    const { answered } = callOf('c1');
    await writeDialogs(pool, visible(answered), 'ledger-1');
    expect(await loaded()).toEqual([{ evidence: visible(answered), unreadable: [] }]);
  });

  it('shows an invitation only until a dialog has answered it', async () => {
    const { invited, answered } = callOf('c1');
    await writeDialogs(pool, visible(invited), 'ledger-1');
    expect((await source.findByCallIds(['c1'])).get('c1')).toMatchObject([{ localTag: '', state: 'early' }]);
    await writeDialogs(pool, visible(answered), 'ledger-1');
    expect((await source.findByCallIds(['c1'])).get('c1')).toMatchObject([
      { localTag: 'a1', state: 'confirmed' },
    ]);
  });

  it('never goes back to what was known before', async () => {
    const early = visible(callOf('c1').invited);
    const later = early.map((evidence) => ({ ...evidence, lastAt: evidence.lastAt + 5_000, remoteCSeq: 9 }));
    await writeDialogs(pool, later, 'ledger-1');
    await writeDialogs(pool, early, 'ledger-1');
    expect((await source.findByCallIds(['c1'])).get('c1')).toMatchObject([{ remoteCSeq: 9 }]);
  });

  it('joins what another ledger wrote last with what this one has seen, and gives all of it back', async () => {
    const [begun] = visible(callOf('c1').answered);
    if (begun === undefined) throw new Error('no dialog');
    const seen = (lastAt: number, remoteCSeq: number): Evidence => ({ ...begun, lastAt, remoteCSeq });
    expect([...(await writeDialogs(pool, [seen(begun.lastAt + 5_000, 9)], 'ledger-1'))]).toEqual([]);
    expect([...(await writeDialogs(pool, [begun], 'ledger-2'))]).toEqual(['c1']);
    const [joined, ...others] = await joinDialogs(pool, [begun], 'ledger-2');
    expect(joined).toMatchObject({ callId: 'c1', remoteCSeq: 9 });
    expect(others).toEqual([]);
    expect((await source.findByCallIds(['c1'])).get('c1')).toMatchObject([{ remoteCSeq: 9 }]);
    expect([...(await writeDialogs(pool, [seen(begun.lastAt + 9_000, 11)], 'ledger-2'))]).toEqual([]);
    expect((await source.findByCallIds(['c1'])).get('c1')).toMatchObject([{ remoteCSeq: 11 }]);
    expect([...(await writeDialogs(pool, [seen(begun.lastAt + 9_500, 10)], 'ledger-1'))]).toEqual(['c1']);
  });

  it('does not remove a dialog of which another ledger has heard since', async () => {
    const [begun] = visible(callOf('c1').answered);
    if (begun === undefined) throw new Error('no dialog');
    await writeDialogs(pool, [{ ...begun, lastAt: begun.lastAt + 5_000 }], 'ledger-1');
    await removeDialogs(pool, [begun]);
    expect((await source.findByCallIds(['c1'])).size).toBe(1);
    await removeDialogs(pool, [{ ...begun, lastAt: begun.lastAt + 5_000 }]);
    expect((await source.findByCallIds(['c1'])).size).toBe(0);
  });

  it('writes, reads and removes thousands at once', async () => {
    const evidence: Evidence[] = [];
    for (let n = 0; n < 5_000; n += 1) evidence.push(...visible(callOf(`call-${n}`).answered));
    await writeDialogs(pool, evidence, 'ledger-1');
    const callIds = evidence.map(({ callId }) => callId);
    expect((await source.findByCallIds(callIds)).size).toBe(5_000);
    const pages = await loaded();
    expect(new Set(pages.flatMap((page) => page.evidence.map(({ callId }) => callId))).size).toBe(5_000);
    expect(Math.max(...pages.map((page) => page.evidence.length))).toBeLessThan(1_000);
    await removeDialogs(pool, evidence.slice(1));
    expect((await source.findByCallIds(callIds)).size).toBe(1);
  });

  it('says which stored dialogs it cannot read', async () => {
    await writeDialogs(pool, visible(callOf('c1').answered), 'ledger-1');
    await pool.query(`update dialogs set evidence = '{"of": "another release"}'`);
    expect(await loaded()).toEqual([
      { evidence: [], unreadable: [{ callId: 'c1', localTag: 'a1', remoteTag: 'p1' }] },
    ]);
  });
});
