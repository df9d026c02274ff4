import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ledger } from '../src/ledger.js';
import type { DialogStore } from '../src/store.js';
import { answeredCall, AST1, AST2, ledgerOn, PHONE, reinvitedBy } from './captures.js';
import { FakeStore } from './fake-store.js';

const ledgerOver = (store: DialogStore): Ledger => ledgerOn(store, Date.now).ledger;
const take = (ledger: Ledger, packets: readonly Buffer[]): void =>
  packets.forEach((packet) => ledger.take(packet, PHONE));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('two ledgers', () => {
  it('go on with a dialog that the other one has seen begin, when the call has moved to a node of their own', async () => {
    const store = new FakeStore();
    const [first, second] = [ledgerOver(store), ledgerOver(store.of('ledger-2'))];
    await Promise.all([first.load(), second.load()]);
    take(first, answeredCall(AST1, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    const [before] = store.dialogs();
    vi.setSystemTime(Date.now() + 10_000);
    take(second, reinvitedBy(AST2, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    const [after] = store.dialogs();
    expect(store.rows.size).toBe(1);
    expect(after).toMatchObject({ nodeId: 'ast2', state: 'confirmed', localCSeq: 10 });
    const { role, local, remote, routeSet, inviteCSeq, unsure } = before ?? {};
    expect(after).toMatchObject({ role, local, remote, routeSet, inviteCSeq, unsure });
    expect(after?.unsure).not.toContain('creation-unseen');
  });

  it('go on with what the other one has seen since, when the call has come back', async () => {
    const store = new FakeStore();
    const [first, second] = [ledgerOver(store), ledgerOver(store.of('ledger-2'))];
    await Promise.all([first.load(), second.load()]);
    take(first, answeredCall(AST1, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    vi.setSystemTime(Date.now() + 10_000);
    take(second, reinvitedBy(AST2, 'c1'));
    await vi.advanceTimersByTimeAsync(20);
    const target = store.dialogs()[0]?.remoteTarget;
    vi.setSystemTime(Date.now() + 10_000);
    // Only the request, as its answer would tell the phone's new address as well.
    take(first, reinvitedBy(AST1, 'c1', 20).slice(0, 1));
    await vi.advanceTimersByTimeAsync(20);
    expect(store.dialogs()).toMatchObject([{ nodeId: 'ast1', localCSeq: 20, remoteTarget: target }]);
    expect(target).toContain('alias');
  });
});
