import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ledger } from '../src/ledger.js';
import type { DialogStore } from '../src/store.js';
import { answeredCall, AST1, AST2, callTo, hep, ledgerOn, PHONE, readerOf, reinvitedBy } from './captures.js';
import { FakeStore } from './fake-store.js';

let clock = 0;
const ledgerOver = (store: DialogStore): Ledger => ledgerOn(store, () => clock).ledger;
const take = (ledger: Ledger, packets: readonly Buffer[]): void =>
  packets.forEach((packet) => ledger.take(packet, PHONE));
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

  it('writes a dialog that nobody has seen begin as what it is', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    await ledger.load();
    take(ledger, reinvitedBy(AST2, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    expect(store.dialogs().map(({ unsure }) => unsure.includes('creation-unseen'))).toEqual([true]);
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
    ledger.take(hep(PHONE, AST1, bye), PHONE);
    const flushed = ledger.flush();
    release();
    expect(await flushed).toBe(1);
    expect(statesOf(store)).toEqual(['c1 ended']);
  });

  it('goes on with what an earlier life had written, and never writes less', async () => {
    const store = new FakeStore();
    const before = ledgerOver(store);
    const { invite, ok } = callTo(AST1, 'c1');
    before.take(hep(PHONE, AST1, invite), PHONE);
    await before.close();
    expect(statesOf(store)).toEqual(['c1 early']);
    const after = ledgerOver(store);
    after.take(hep(AST1, PHONE, ok), PHONE);
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
    ledger.take(hep(PHONE, AST1, invite), PHONE);
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

  it('does not forget what could not be removed', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    take(ledger, [...answeredCall(AST1, 'c1'), hep(PHONE, AST1, callTo(AST1, 'c1').bye)]);
    await ledger.flush();
    expect(statesOf(store)).toEqual(['c1 ended']);
    clock += 100_000;
    store.reachable = false;
    await expect(ledger.expire()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    expect(ledger.holding.callIds).toBe(1);
    store.reachable = true;
    await ledger.expire();
    expect(store.rows.size).toBe(0);
    expect(ledger.holding).toEqual({ callIds: 0, unwritten: 0 });
  });

  it('forgets what is removed though it is packed meanwhile, and not what is heard of meanwhile', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    for (const callId of ['c1', 'c2'])
      take(ledger, [...answeredCall(AST1, callId), hep(PHONE, AST1, callTo(AST1, callId).bye)]);
    await ledger.flush();
    clock += 60_000;
    let release = (): void => undefined;
    store.hold = new Promise((resolve) => (release = resolve));
    const expired = ledger.expire();
    expect(ledger.pack(10)).toBe(2);
    ledger.take(hep(PHONE, AST1, callTo(AST1, 'c2').bye), PHONE);
    release();
    await expired;
    expect(ledger.holding).toEqual({ callIds: 1, unwritten: 1 });
    await ledger.flush();
    expect(statesOf(store)).toEqual(['c2 ended']);
  });

  it('takes whatever comes over the wire, and counts what it drops', async () => {
    const store = new FakeStore();
    const { ledger, counters } = ledgerOn(store, () => clock);
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
    expect(counters.counts).toMatchObject({
      messages: 2,
      dropped: { HEP_TORN: 3, SIP_MALFORMED: 1, HEP_UNPLACED: 1 },
    });
  });

  it('says which packets were of use: those of a node, with the capture password', async () => {
    const password = (given: string) => ({ password: Buffer.from(given) });
    const { ledger } = ledgerOn(new FakeStore(), () => clock, { reader: readerOf(['right']), maxCallIds: 1 });
    const { invite } = callTo(AST1, 'c1');
    const isOfUse = (packet: Buffer): boolean => ledger.take(packet, PHONE);
    expect(isOfUse(hep(PHONE, AST1, invite, password('right')))).toBe(true);
    expect(isOfUse(hep(PHONE, AST1, callTo(AST1, 'c2').invite, password('right')))).toBe(true);
    expect(isOfUse(hep(PHONE, AST1, invite, password('wrong')))).toBe(false);
    expect(isOfUse(hep(PHONE, AST1, 'rubbish', password('right')))).toBe(false);
    expect(isOfUse(hep(PHONE, '192.0.2.1', invite, password('right')))).toBe(false);
    expect(isOfUse(hep(PHONE, AST1, '\r\n', password('right')))).toBe(false);
    expect(isOfUse(Buffer.from('HEP3'))).toBe(false);
    await ledger.close();
  });

  it('keeps the two legs of a B2BUA apart, whatever correlates them', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    const legs = ['leg-a', 'leg-b'].flatMap((callId) => {
      const { invite, ok } = callTo(AST1, callId);
      const correlated = { captureId: 1, correlationId: 'leg-a' };
      return [hep(PHONE, AST1, invite, correlated), hep(AST1, PHONE, ok, correlated)];
    });
    take(ledger, legs);
    await ledger.flush();
    expect(statesOf(store)).toEqual(['leg-a confirmed', 'leg-b confirmed']);
  });

  it('gives each of two nodes that talk to each other its own side of the dialog', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    const ours = (text: string): string => text.replaceAll(PHONE, AST2);
    const { invite, ok } = callTo(AST1, 'trunk');
    for (const sender of [AST1, AST2]) {
      ledger.take(hep(AST2, AST1, ours(invite)), sender);
      ledger.take(hep(AST1, AST2, ours(ok)), sender);
    }
    await ledger.flush();
    const sides = store.dialogs().map(({ nodeId, role, localTag }) => `${nodeId} ${role} ${localTag}`);
    expect(sides.sort()).toEqual(['ast1 uas a-trunk', 'ast2 uac p-trunk']);
  });

  it('takes no more Call-IDs than it may, and goes on with those that it has', async () => {
    const store = new FakeStore();
    const { ledger, counters } = ledgerOn(store, () => clock, { maxCallIds: 1 });
    const [invite, ok] = answeredCall(AST1, 'c1') as [Buffer, Buffer];
    take(ledger, [invite, ...answeredCall(AST1, 'c2'), ok]);
    await ledger.flush();
    expect(statesOf(store)).toEqual(['c1 confirmed']);
    expect(counters.counts.dropped).toEqual({ LEDGER_FULL: 2 });
  });

  it('forgets what came and went while the database was away, and only that', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    take(ledger, answeredCall(AST1, 'before'));
    await ledger.flush();
    store.reachable = false;
    take(ledger, [
      ...answeredCall(AST1, 'during'),
      hep(PHONE, AST1, callTo(AST1, 'during').bye),
      ...answeredCall(AST1, 'live'),
      hep(PHONE, AST1, callTo(AST1, 'before').bye),
    ]);
    clock += 60_000;
    await expect(ledger.expire()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    expect(ledger.holding).toEqual({ callIds: 2, unwritten: 2 });
    store.reachable = true;
    await ledger.flush();
    expect(statesOf(store).sort()).toEqual(['before ended', 'live confirmed']);
  });

  it('keeps a stray dialog for an hour, not for a day', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    const again = callTo(AST1, 'stray').invite.replace('<sip:app@10.77.0.5>', '<sip:app@10.77.0.5>;tag=x');
    take(ledger, [hep(PHONE, AST1, again), ...answeredCall(AST1, 'live')]);
    await ledger.flush();
    clock += 3_600_000;
    await ledger.expire();
    expect(statesOf(store)).toEqual(['live confirmed']);
  });

  it('packs what is calm, and goes on with it as if it had not', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    take(ledger, [...answeredCall(AST1, 'c1'), ...answeredCall(AST1, 'c2')]);
    expect(ledger.pack(10)).toBe(0);
    clock += 5_000;
    expect(ledger.pack(1)).toBe(1);
    expect(ledger.pack(10)).toBe(1);
    expect(await ledger.flush()).toBe(2);
    expect(statesOf(store)).toEqual(['c1 confirmed', 'c2 confirmed']);
    take(ledger, [hep(PHONE, AST1, callTo(AST1, 'c1').bye)]);
    clock += 5_000;
    expect(ledger.pack(10)).toBe(1);
    await ledger.flush();
    expect(statesOf(store)).toEqual(['c1 ended', 'c2 confirmed']);
    clock += 55_000;
    await ledger.expire();
    expect(statesOf(store)).toEqual(['c2 confirmed']);
  });

  it('writes many in several statements', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOn(store, () => clock, { maxCallIds: 10_000 });
    for (let index = 0; index < 1_001; index += 1) take(ledger, answeredCall(AST1, `c${index}`));
    expect(await ledger.flush()).toBe(1_001);
    expect(store.writes).toBe(2);
    expect(store.rows.size).toBe(1_001);
  });
});
