import type { AriChannel } from '@reinvite/ari';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isUnsettled, Unsettled } from '../src/calls/unsettled.js';
import { channel, inApp } from './observed.js';

const onItsWay = (id: string): AriChannel => channel(id, inApp('AppDial2', '(Outgoing Line)', 's'));

describe('a channel that changes without an event', () => {
  it.each([
    ['has no Call-ID yet', channel('1', { protocolId: '' }), true],
    ['was originated and is answered', onItsWay('1'), true],
    ['was originated and rings', { ...onItsWay('1'), state: 'Ringing' }, false],
    ['is in its application', channel('1'), false],
    ['is of another technology', { ...onItsWay('1'), name: 'Local/x@y-00000001;1' }, false],
  ])('one that %s: %#', (_, one, unsettled) => {
    expect(isUnsettled(one)).toBe(unsettled);
  });
});

describe('looking again', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function start(there: Map<string, AriChannel>) {
    const fetched: AriChannel[] = [];
    const errors: unknown[] = [];
    const fetchOne = vi.fn(async (id: string) => there.get(id));
    const fetchAll = vi.fn(async () => [...there.values()]);
    const unsettled = new Unsettled({
      fetchOne,
      fetchAll,
      onFetched: (one) => fetched.push(one),
      onError: (error) => errors.push(error),
    });
    return { unsettled, fetched, errors, fetchOne, fetchAll };
  }

  it('goes on until the channel has settled', async () => {
    const there = new Map([['1', onItsWay('1')]]);
    const { unsettled, fetched, fetchOne } = start(there);
    unsettled.note(onItsWay('1'));
    await vi.advanceTimersByTimeAsync(1_000);
    there.set('1', channel('1'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetched.at(-1)).toEqual(channel('1'));
    expect(fetchOne.mock.calls.length).toBeLessThan(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when an event shows it settled, or when it is gone', async () => {
    const { unsettled, fetchOne } = start(new Map());
    unsettled.note(onItsWay('1'));
    unsettled.note(channel('1'));
    unsettled.note(onItsWay('2'));
    unsettled.forget('2');
    unsettled.note(onItsWay('3'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchOne.mock.calls).toEqual([['3']]);
  });

  it('asks for a list when there are many', async () => {
    const there = new Map(Array.from({ length: 20 }, (_, n) => [`${n}`, channel(`${n}`)] as const));
    const { unsettled, fetched, fetchOne, fetchAll } = start(there);
    for (const id of there.keys()) unsettled.note(onItsWay(id));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchAll).toHaveBeenCalledTimes(1);
    expect(fetchOne).not.toHaveBeenCalled();
    expect(fetched).toHaveLength(20);
  });

  it('tries again after an error', async () => {
    const there = new Map([['1', channel('1')]]);
    const { unsettled, fetched, errors, fetchOne } = start(there);
    fetchOne.mockRejectedValueOnce(new Error('busy'));
    unsettled.note(onItsWay('1'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(errors).toHaveLength(1);
    expect(fetched).toEqual([channel('1')]);
  });
});
