import { codedError, createLogger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { captureReader } from '../src/capture.js';
import { Ledger } from '../src/ledger.js';
import { Rejects } from '../src/rejects.js';
import { writeBatch } from '../src/writer.js';
import { answeredCall, AST1, callTo, hep, nodes, PHONE } from './captures.js';
import { FakeStore } from './fake-store.js';

const log = createLogger('test', 'silent');
const retention = { endedMs: 60_000, earlyMs: 600_000, answeredInvitationMs: 32_000, silentMs: 86_400_000 };

let clock = 0;
const ledgerOver = (store: FakeStore): Ledger =>
  new Ledger({ reader: captureReader(nodes), store, flushMs: 20, retention, log, now: () => clock });
const take = (ledger: Ledger, packets: readonly Buffer[]): void =>
  packets.forEach((packet) => ledger.take(packet));
const statesOf = (store: FakeStore): string[] =>
  store.dialogs().map(({ callId, state }) => `${callId} ${state}`);

beforeEach(() => {
  vi.useFakeTimers();
  clock = 1_000_000;
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the ledger', () => {
  it('writes what came in, in one batch, after the flush time', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    await ledger.load();
    take(ledger, [...answeredCall(AST1, 'c1'), ...answeredCall(AST1, 'c2')]);
    expect(store.writes).toBe(0);
    await vi.advanceTimersByTimeAsync(20);
    expect(statesOf(store)).toEqual(['c1 confirmed', 'c2 confirmed']);
    expect(store.writes).toBe(1);
  });

  it('loses nothing while the database is out of reach, from the first moment on', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    store.reachable = false;
    take(ledger, answeredCall(AST1, 'early'));
    await expect(ledger.load()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    store.reachable = true;
    await ledger.load();
    store.reachable = false;
    take(ledger, answeredCall(AST1, 'later'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.rows.size).toBe(0);
    store.reachable = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(statesOf(store)).toEqual(['early confirmed', 'later confirmed']);
  });

  it('keeps what comes in during a write for the next one', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    await ledger.load();
    const { bye } = callTo(AST1, 'c1');
    let release = (): void => undefined;
    store.hold = new Promise((resolve) => (release = resolve));
    take(ledger, answeredCall(AST1, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    ledger.take(hep(PHONE, AST1, bye));
    const flushed = ledger.flush();
    release();
    expect(await flushed).toBe(1);
    expect(statesOf(store)).toEqual(['c1 ended']);
  });

  it('goes on with what an earlier life had written, and never writes less', async () => {
    const store = new FakeStore();
    const before = ledgerOver(store);
    const { invite, ok } = callTo(AST1, 'c1');
    before.take(hep(PHONE, AST1, invite));
    await before.close();
    expect(statesOf(store)).toEqual(['c1 early']);
    const after = ledgerOver(store);
    after.take(hep(AST1, PHONE, ok));
    await after.flush();
    expect(store.dialogs().find(({ localTag }) => localTag !== '')).toMatchObject({
      state: 'confirmed',
      remoteTarget: 'sip:phone@192.168.9.9;alias=10.77.0.9~5060~1',
      unsure: [],
    });
  });

  it('removes what is over, each in its time, and keeps what lives', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    const { invite } = callTo(AST1, 'ringing');
    take(ledger, [
      ...answeredCall(AST1, 'live'),
      ...answeredCall(AST1, 'over'),
      hep(PHONE, AST1, callTo(AST1, 'over').bye),
    ]);
    ledger.take(hep(PHONE, AST1, invite));
    await ledger.flush();
    clock += 59_000;
    await ledger.expire();
    expect(statesOf(store).sort()).toEqual(['live confirmed', 'over ended', 'ringing early']);
    clock += 1_000;
    await ledger.expire();
    expect(statesOf(store).sort()).toEqual(['live confirmed', 'ringing early']);
    clock += 600_000;
    await ledger.expire();
    expect(statesOf(store)).toEqual(['live confirmed']);
    clock += 86_400_000;
    await ledger.expire();
    expect(store.rows.size).toBe(0);
  });

  it('does not forget what could not be removed, nor what is not written yet', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    take(ledger, [...answeredCall(AST1, 'c1'), hep(PHONE, AST1, callTo(AST1, 'c1').bye)]);
    clock += 100_000;
    await ledger.expire();
    await ledger.flush();
    expect(statesOf(store)).toEqual(['c1 ended']);
    store.reachable = false;
    await expect(ledger.expire()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    store.reachable = true;
    await ledger.expire();
    expect(store.rows.size).toBe(0);
  });

  it('takes whatever comes over the wire', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    const whole = hep(PHONE, AST1, callTo(AST1, 'c1').invite);
    take(ledger, [
      Buffer.alloc(0),
      Buffer.from('HEP3'),
      whole.subarray(0, 40),
      hep(PHONE, AST1, 'nonsense'),
      hep(PHONE, '192.0.2.1', 'x'),
    ]);
    take(ledger, answeredCall(AST1, 'c1'));
    expect(await ledger.flush()).toBe(1);
  });
});

describe('the count of dropped packets', () => {
  it('is logged at once, and then every ten seconds at most', () => {
    const warn = vi.spyOn(log, 'warn');
    const rejects = new Rejects(log);
    for (let now = 0; now < 10_000; now += 1_000) rejects.add('HEP_TORN', {}, now);
    expect(warn).toHaveBeenCalledTimes(1);
    rejects.add('SIP_MALFORMED', {}, 10_000);
    expect(warn).toHaveBeenLastCalledWith({ dropped: { HEP_TORN: 9, SIP_MALFORMED: 1 } }, expect.any(String));
    warn.mockRestore();
  });
});

describe('writing a batch', () => {
  const evidence = (callId: string): Evidence => ({ callId }) as Evidence;
  const batch = ['a', 'b', 'bad', 'c', 'd'].map(evidence);

  it('writes the others where the data of one is refused', async () => {
    const written: string[] = [];
    const upsert = async (part: readonly Evidence[]): Promise<void> => {
      if (part.some(({ callId }) => callId === 'bad')) {
        throw codedError('POSTGRES_QUERY_FAILED', 'invalid data', { postgresCode: '22021' });
      }
      written.push(...part.map(({ callId }) => callId));
    };
    expect(await writeBatch(batch, upsert, log)).toBe(4);
    expect(written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives nothing up for a refusal that is not about the data', async () => {
    const refused = codedError('POSTGRES_QUERY_FAILED', 'permission denied', { postgresCode: '42501' });
    const upsert = vi.fn().mockRejectedValue(refused);
    await expect(writeBatch(batch, upsert, log)).rejects.toBe(refused);
    expect(upsert).toHaveBeenCalledTimes(1);
  });
});
