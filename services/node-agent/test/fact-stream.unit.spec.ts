import type { CallFact } from '@reinvite/domain';
import { codedError, createLogger } from '@reinvite/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FactStream } from '../src/calls/fact-stream.js';
import { CallPicture } from '../src/calls/picture.js';
import { changed, channel, destroyed } from './observed.js';

const log = createLogger('test', 'silent');
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A stand-in for JetStream that stores in order, and can be told to hold its answers back or to refuse. */
class FakeJetStream {
  readonly stored: CallFact[] = [];
  readonly ids = new Set<string>();
  refusing = false;
  holding = false;
  /** Of a leg that is never taken. */
  refuses: { readonly channelId: string; readonly error: Error } | undefined;
  private held: (() => void)[] = [];

  readonly publish = async (fact: CallFact, id: string): Promise<number> => {
    if ('channelId' in fact && fact.channelId === this.refuses?.channelId) throw this.refuses.error;
    const refused = this.refusing;
    if (!refused) this.stored.push(fact);
    const seq = this.stored.length;
    this.ids.add(id);
    if (this.holding) await new Promise<void>((resolve) => this.held.push(resolve));
    if (refused) throw new Error('no acknowledgement');
    return seq;
  };

  release(): void {
    this.holding = false;
    this.held.splice(0).forEach((answer) => answer());
  }

  /** What a reader knows at the end: between `NodeSyncing` and `NodeSynced` everything that lives is told. */
  view(): Map<string, string> {
    let legs = new Map<string, { state: string; at: number }>();
    let syncingAt = -1;
    this.stored.forEach((fact, index) => {
      if (fact.type === 'NodeSyncing') syncingAt = index;
      if (fact.type === 'LegObserved') legs.set(fact.channelId, { state: fact.state, at: index });
      if (fact.type === 'LegGone') legs.delete(fact.channelId);
      if (fact.type === 'NodeSynced') legs = new Map([...legs].filter(([, leg]) => leg.at > syncingAt));
    });
    return new Map([...legs].map(([id, { state }]) => [id, state]));
  }
}

describe('the stream of facts of one incarnation', () => {
  const stop = new AbortController();

  function start() {
    const jetStream = new FakeJetStream();
    const picture = new CallPicture('ast1', '42');
    let ids = 0;
    const facts = new FactStream({
      publish: jetStream.publish,
      newId: () => `id-${(ids += 1)}`,
      now: () => 1,
      lingerMs: 0,
      current: () => picture.facts(),
      nodeId: 'ast1',
      incarnation: '42',
      log,
      signal: stop.signal,
    });
    const see = (...events: Parameters<CallPicture['apply']>[0][]): void => {
      for (const event of events) facts.offer(picture.apply(event));
    };
    return { jetStream, picture, facts, see };
  }
  const typesOf = (jetStream: FakeJetStream): string[] => jetStream.stored.map(({ type }) => type);

  it('begins with everything that lives, between NodeSyncing and NodeSynced', async () => {
    const { jetStream, facts, see } = start();
    see(changed(channel('1')));
    expect(jetStream.stored).toEqual([]);
    facts.resync();
    expect(await facts.flush(5_000)).toEqual({ complete: true, lastSeq: 3 });
    expect(typesOf(jetStream)).toEqual(['NodeSyncing', 'LegObserved', 'NodeSynced']);
  });

  it('sends at once and in order, without waiting for acknowledgements', async () => {
    const { jetStream, facts, see } = start();
    facts.resync();
    await facts.flush(5_000);
    jetStream.holding = true;
    see(
      changed(channel('1', { state: 'Ring' })),
      changed(channel('1')),
      changed(channel('2')),
      destroyed(channel('1')),
    );
    expect(typesOf(jetStream).slice(2)).toEqual(['LegObserved', 'LegObserved', 'LegObserved', 'LegGone']);
    expect(await facts.flush(1)).toEqual({ complete: false, lastSeq: 2 });
    jetStream.release();
    expect(await facts.flush(5_000)).toEqual({ complete: true, lastSeq: 6 });
  });

  it('keeps only the latest of each leg while more wait than may be in flight', async () => {
    const { jetStream, facts, see } = start();
    facts.resync();
    await facts.flush(5_000);
    jetStream.holding = true;
    for (let leg = 0; leg < 600; leg += 1) see(changed(channel(`${leg}`, { state: 'Ring' })));
    for (let leg = 0; leg < 600; leg += 1) see(changed(channel(`${leg}`)));
    expect(jetStream.stored).toHaveLength(2 + 512);
    jetStream.release();
    await facts.flush(5_000);
    expect(jetStream.stored).toHaveLength(2 + 512 + 600);
    expect([...jetStream.view().values()].every((state) => state === 'Up')).toBe(true);
  });

  it('tells everything anew after a failure, and sends nothing twice', async () => {
    const { jetStream, facts, see } = start();
    facts.resync();
    await facts.flush(5_000);
    see(changed(channel('1', { state: 'Ring' })));
    await turns();
    jetStream.refusing = true;
    see(changed(channel('1')));
    jetStream.refusing = false;
    see(changed(channel('2')));
    await turns();
    see(destroyed(channel('2')), changed(channel('3')));
    expect(await facts.flush(5_000)).toMatchObject({ complete: true });
    expect(jetStream.view()).toEqual(
      new Map([
        ['1', 'Up'],
        ['3', 'Up'],
      ]),
    );
    expect(jetStream.ids.size).toBeGreaterThanOrEqual(jetStream.stored.length);
  });

  it('pauses longer and longer while not all can be told, and no more once it could', async () => {
    const { jetStream, facts, see } = start();
    see(...Array.from({ length: 100 }, (_, leg) => changed(channel(`${leg}`))));
    jetStream.refuses = { channelId: '50', error: new Error('no acknowledgement') };
    const syncs = (): number => typesOf(jetStream).filter((type) => type === 'NodeSyncing').length;
    facts.resync();
    await delay(1_000);
    // At once, and after 100, 200 and 400 ms.
    expect(syncs()).toBeGreaterThan(1);
    expect(syncs()).toBeLessThanOrEqual(4);
    jetStream.refuses = undefined;
    expect(await facts.flush(5_000)).toMatchObject({ complete: true });
    const before = syncs();
    jetStream.refusing = true;
    see(changed(channel('1', { state: 'Ring' })));
    jetStream.refusing = false;
    await turns();
    await turns();
    expect(syncs()).toBe(before + 1);
  });

  it('leaves out what can never be stored, and says so', async () => {
    const { jetStream, facts, see } = start();
    jetStream.refuses = { channelId: '2', error: codedError('MESSAGE_TOO_LARGE', 'too long') };
    see(changed(channel('1')), changed(channel('2')), changed(channel('3')));
    facts.resync();
    expect(await facts.flush(5_000)).toMatchObject({ complete: true });
    expect(typesOf(jetStream)).toEqual(['NodeSyncing', 'LegObserved', 'LegObserved', 'NodeSynced']);
  });

  it('waits for what is still on its way before it begins anew', async () => {
    const { jetStream, facts, see } = start();
    facts.resync();
    await facts.flush(5_000);
    jetStream.holding = true;
    see(changed(channel('1', { state: 'Ring' })));
    facts.resync();
    await turns();
    expect(typesOf(jetStream)).toEqual(['NodeSyncing', 'NodeSynced', 'LegObserved']);
    jetStream.release();
    await facts.flush(5_000);
    expect(typesOf(jetStream).slice(3)).toEqual(['NodeSyncing', 'LegObserved', 'NodeSynced']);
  });

  it('says the same as the picture in the end, however publishes fail', async () => {
    const { jetStream, facts, see, picture } = start();
    facts.resync();
    for (let step = 0; step < 200; step += 1) {
      jetStream.refusing = step % 7 === 3 || (step > 60 && step < 70);
      const leg = channel(`${step % 23}x${Math.floor(step / 60)}`, { state: step % 2 === 0 ? 'Up' : 'Ring' });
      see(step % 5 === 4 ? destroyed(leg) : changed(leg));
      if (step % 3 === 0) await turns();
    }
    jetStream.refusing = false;
    expect(await facts.flush(20_000)).toMatchObject({ complete: true });
    const living = picture
      .facts()
      .flatMap((fact) => (fact.type === 'LegObserved' ? [[fact.channelId, fact.state] as const] : []));
    expect(jetStream.view()).toEqual(new Map(living));
  });
});
