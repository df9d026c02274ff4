import { codedError } from '@reinvite/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Counters } from '../src/counters.js';
import type { Ledger } from '../src/ledger.js';
import { answeredCall, AST1, callTo, hep, ledgerOn, log, PHONE } from './captures.js';
import { FakeStore } from './fake-store.js';

let clock = 0;
const ledgerOver = (store: FakeStore): Ledger => ledgerOn(store, () => clock).ledger;
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

describe('the ledger after an outage', () => {
  it('removes what is over though its last messages could not be written', async () => {
    const store = new FakeStore();
    const ledger = ledgerOver(store);
    take(ledger, answeredCall(AST1, 'c1'));
    await ledger.flush();
    store.reachable = false;
    take(ledger, [hep(PHONE, AST1, callTo(AST1, 'c1').bye)]);
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    clock += 60_000;
    store.reachable = true;
    await ledger.expire();
    expect(store.rows.size).toBe(0);
    expect(ledger.holding).toEqual({ callIds: 0, unwritten: 0 });
  });

  it('ends a flush during which calls are forgotten that came and went', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOn(store, () => clock, { maxCallIds: 10_000 });
    await ledger.load();
    store.reachable = false;
    for (let index = 0; index < 2_500; index += 1)
      take(ledger, [...answeredCall(AST1, `c${index}`), hep(PHONE, AST1, callTo(AST1, `c${index}`).bye)]);
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    clock += 70_000;
    store.reachable = true;
    let release = (): void => undefined;
    store.hold = new Promise((resolve) => (release = resolve));
    const [flushed, expired] = [ledger.flush(), ledger.expire()];
    release();
    await Promise.all([flushed, expired]);
    expect(ledger.holding).toEqual({ callIds: 0, unwritten: 0 });
  });
});

describe('a call whose messages are long', () => {
  it('takes a statement of its own, and a restart gives it back whole', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOn(store, () => clock, { maxCallIds: 10_000 });
    const long = (text: string): string =>
      text.replace(
        'm=audio',
        `${`m=video 1 RTP/AVP 96\r\na=fmtp:96 x=${'y'.repeat(470)}\r\n`.repeat(15)}m=audio`,
      );
    for (let index = 0; index < 600; index += 1) {
      const { invite, ok } = callTo(AST1, `c${index}`);
      take(ledger, [hep(PHONE, AST1, long(invite)), hep(AST1, PHONE, long(ok))]);
    }
    expect(await ledger.flush()).toBe(600);
    expect(store.writes).toBe(2);
    const after = ledgerOn(store, () => clock, { maxCallIds: 10_000 }).ledger;
    await after.load();
    expect(after.holding).toEqual({ callIds: 600, unwritten: 0 });
    clock += 5_000;
    expect(after.pack(1_000)).toBe(0);
    take(after, [hep(PHONE, AST1, callTo(AST1, 'c7').bye)]);
    expect(await after.flush()).toBe(1);
    expect(statesOf(store)).toContain('c7 ended');
  });
});

describe('the count of dropped packets', () => {
  it('is logged at once, and then every ten seconds at most', () => {
    const warn = vi.spyOn(log, 'warn');
    const counters = new Counters(log);
    const torn = codedError('HEP_TORN', 'torn');
    for (let now = 0; now < 10_000; now += 1_000) counters.drop(torn, now);
    expect(warn).toHaveBeenCalledTimes(1);
    counters.drop(codedError('SIP_MALFORMED', 'malformed'), 10_000);
    expect(warn).toHaveBeenLastCalledWith(
      { dropped: { HEP_TORN: 9, SIP_MALFORMED: 1 }, err: torn },
      expect.any(String),
    );
    warn.mockRestore();
    expect(counters.counts.dropped).toEqual({ HEP_TORN: 10, SIP_MALFORMED: 1 });
  });
});
