import type { Vote, VoteRequest } from '@reinvite/domain';
import { createLogger, type Logger } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Council, type OwnView } from '../src/agreement/council.js';
import { wordOf } from '../src/agreement/edge-witness.js';
import { quorumOf, tally } from '../src/agreement/tally.js';

const log = createLogger('test', 'silent');
const sure: OwnView = { suspects: true, down: false, leaseOver: null };
const unsure: OwnView = { ...sure, suspects: false };

const voteOf = (sentinelId: string, view: OwnView = sure, more: Partial<Vote> = {}): Vote => ({
  ...{ type: 'Vote', sentinelId, nodeId: 'ast1', incarnation: 'A', fencing: false },
  ...view,
  ...more,
});

describe('the tally', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('of %i sentinels needs %i', (sentinels, quorum) => expect(quorumOf(sentinels)).toBe(quorum));

  it('is never granted by a minority, nor by two that would make two majorities', () => {
    const ballots = fc.record({
      sentinels: fc.integer({ min: 1, max: 9 }),
      yes: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 }),
      repeats: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(ballots, ({ sentinels, yes, repeats }) => {
        const voters = yes.filter((one) => one <= sentinels);
        const votes = Array.from({ length: sentinels }, (_, index) => index + 1).flatMap((one) =>
          Array.from({ length: repeats }, () => voteOf(`s${one}`, voters.includes(one) ? sure : unsure)),
        );
        expect(tally(votes, 's1', sentinels).granted).toBe(voters.length * 2 > sentinels);
      }),
    );
  });

  it('counts a name once, and one that says both for no', () => {
    expect(tally([voteOf('s1'), voteOf('s1'), voteOf('s1')], 's1', 3).granted).toBe(false);
    expect(tally([voteOf('s1'), voteOf('s2'), voteOf('s2', unsure)], 's1', 3).agreedBy).toEqual(['s1']);
  });

  it('is not granted while another fences that life, or knows it for dead', () => {
    const fencing = [voteOf('s1'), voteOf('s2', sure, { fencing: true }), voteOf('s3')];
    expect(tally(fencing, 's1', 3)).toMatchObject({ granted: false, busy: 'fencing' });
    const down = [voteOf('s1'), voteOf('s2'), voteOf('s3', { ...sure, down: true })];
    expect(tally(down, 's1', 3)).toMatchObject({ granted: false, busy: 'down' });
  });

  it('takes a lease for over only where a majority says so', () => {
    const over = { ...sure, leaseOver: true };
    const of = (...views: OwnView[]): boolean =>
      tally(
        views.map((view, index) => voteOf(`s${index}`, view)),
        's0',
        3,
      ).leaseOver;
    expect(of(over, over, sure)).toBe(true);
    expect(of(over, { ...sure, leaseOver: false }, sure)).toBe(false);
    expect(of(over, sure, sure)).toBe(false);
  });
});

/** Sentinels that hear each other, as far as `reach` lets them. */
class Room {
  now = 0;
  private readonly hearers = new Map<string, (request: VoteRequest) => Promise<unknown>>();
  reach: (from: string, to: string) => boolean = () => true;

  council(sentinelId: string, sentinels: number, view: OwnView, to: Logger = log): Council {
    const council = new Council({
      ...{ sentinelId, sentinels, timeoutMs: 50, log: to, mono: () => this.now },
      view: () => view,
      bus: {
        respond: (_subject, _schema, handler) => {
          this.hearers.set(sentinelId, handler as never);
          return () => undefined;
        },
        requestMany: async (_subject, message, schema) => {
          const heard = [...this.hearers].filter(([to]) => this.reach(sentinelId, to));
          const answers = await Promise.all(heard.map(([, hear]) => hear(message as VoteRequest)));
          return answers.map((answer) => schema.parse(answer));
        },
      },
    });
    council.open();
    return council;
  }
}

describe('the sentinels', () => {
  it('that are one agree with themselves, and ask nobody', async () => {
    const alone = new Room().council('s1', 1, sure);
    expect(alone.isAlone).toBe(true);
    expect(await alone.ask('ast1', 'A')).toMatchObject({ granted: true, agreedBy: ['s1'] });
  });

  it('that are three agree where two suspect', async () => {
    const room = new Room();
    const first = room.council('s1', 3, sure);
    room.council('s2', 3, unsure);
    room.council('s3', 3, sure);
    expect(await first.ask('ast1', 'A')).toMatchObject({ granted: true, agreedBy: ['s1', 's3'] });
  });

  it('that a partition has left alone declare nobody, whatever they see', async () => {
    const room = new Room();
    const cut = room.council('s1', 3, sure);
    const others = [room.council('s2', 3, unsure), room.council('s3', 3, unsure)];
    room.reach = (from, to) => (from === 's1') === (to === 's1');
    expect((await cut.ask('ast1', 'A')).granted).toBe(false);
    expect(
      (await Promise.all(others.map((one) => one.ask('ast1', 'A')))).map(({ granted }) => granted),
    ).toEqual([false, false]);
  });

  it('that are two need both', async () => {
    const room = new Room();
    const first = room.council('s1', 2, sure);
    expect((await first.ask('ast1', 'A')).granted).toBe(false);
    room.council('s2', 2, sure);
    expect((await first.ask('ast1', 'A')).granted).toBe(true);
  });

  it('fence one at a time, and the others wait until it is done', async () => {
    const room = new Room();
    const first = room.council('s1', 2, sure);
    const second = room.council('s2', 2, sure);
    expect((await first.ask('ast1', 'A')).granted).toBe(true);
    expect((await second.ask('ast1', 'A')).granted).toBe(false);
    room.now += 1_000;
    expect(await second.ask('ast1', 'A')).toMatchObject({ granted: false, busy: 'fencing' });
    second.done('ast1');
    first.done('ast1');
    room.now += 1_000;
    expect((await second.ask('ast1', 'A')).granted).toBe(true);
  });

  it('fence one at a time when they ask together, in whatever order', async () => {
    const names = ['s1', 's2', 's3'];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(names, { minLength: 2 }), async (askers) => {
        const room = new Room();
        const councils = new Map(names.map((name) => [name, room.council(name, 3, sure)]));
        const results = await Promise.all(askers.map(async (name) => councils.get(name)?.ask('ast1', 'A')));
        expect(results.filter((result) => result?.granted).length).toBeLessThanOrEqual(1);
        // Whoever did not get it gives up, and the next round has one who does.
        askers.forEach((name, index) => results[index]?.granted || councils.get(name)?.done('ast1'));
        room.now += 1_000;
        if (results.some((result) => result?.granted)) return;
        expect((await councils.get('s1')?.ask('ast1', 'A'))?.granted).toBe(true);
      }),
    );
  });

  it('keep to the fence of a life that is under way when another life of the node is asked about', async () => {
    const alone = new Room().council('s1', 1, sure);
    expect((await alone.ask('ast1', 'A')).granted).toBe(true);
    expect(await alone.ask('ast1', 'B')).toMatchObject({ granted: false, busy: 'fencing' });
    expect(await alone.ask('ast1', 'B')).toMatchObject({ granted: false, busy: 'fencing' });
    alone.done('ast1');
    expect((await alone.ask('ast1', 'B')).granted).toBe(true);
  });

  it('say once that a minority answers, and again after it was more', async () => {
    const room = new Room();
    const lines: string[] = [];
    const cut = room.council('s1', 3, sure, {
      ...{ ...log, info: () => undefined },
      error: (...said: unknown[]) => void lines.push(String(said[1])),
    });
    for (let time = 0; time < 20; time += 1) await cut.ask('ast1', 'A');
    expect(lines).toHaveLength(1);
    room.council('s2', 3, unsure);
    await cut.ask('ast1', 'A');
    room.reach = (from, to) => from === to;
    await cut.ask('ast1', 'A');
    expect(lines).toHaveLength(2);
  });

  it('say what they know of a life without giving a voice', async () => {
    const room = new Room();
    const first = room.council('s1', 4, sure);
    room.council('s2', 4, unsure);
    room.council('s3', 4, { ...unsure, down: true });
    const fourth = room.council('s4', 4, sure);
    expect(await first.objectors('ast1', 'A')).toEqual(['s2']);
    expect(await fourth.objectors('ast1', 'A')).toEqual(['s2']);
    expect(await new Room().council('s1', 1, unsure).objectors('ast1', 'A')).toEqual([]);
  });

  it('do not wait for one that had the voices and has died', async () => {
    const room = new Room();
    const dead = room.council('s1', 3, sure);
    const second = room.council('s2', 3, sure);
    room.council('s3', 3, sure);
    expect((await dead.ask('ast1', 'A')).granted).toBe(true);
    room.reach = (from, to) => from !== 's1' && to !== 's1';
    expect((await second.ask('ast1', 'A')).granted).toBe(false);
    second.done('ast1');
    room.now += 1_000;
    expect((await second.ask('ast1', 'A')).granted).toBe(true);
  });
});

describe('what an edge says', () => {
  /** As Kamailio 6.1 answers `dispatcher.list`. */
  const answer = (...targets: [uri: string, flags: string][]): unknown => ({
    jsonrpc: '2.0',
    id: 1,
    result: {
      NRSETS: 1,
      RECORDS: [
        {
          SET: {
            ID: 1,
            TARGETS: targets.map(([URI, FLAGS], IDX) => ({ DEST: { IDX, URI, FLAGS, PRIORITY: 0 } })),
          },
        },
      ],
    },
  });

  it.each([
    ['active and probed', 'AP', 'active'],
    ['active, and nobody asks it', 'AX', 'nothing'],
    ['being tried', 'TP', 'nothing'],
    ['inactive', 'IP', 'nothing'],
    ['disabled', 'DP', 'nothing'],
  ] as const)('of a node that is %s (%s): %s', (_what, flags, word) => {
    expect(wordOf(answer(['sip:10.0.0.11:5060', flags]), ['10.0.0.11'])).toBe(word);
  });

  it('is about that node alone', () => {
    const both = answer(['sip:10.0.0.11', 'IP'], ['sip:10.0.0.110:5060;transport=tcp', 'AP']);
    expect(wordOf(both, ['10.0.0.11'])).toBe('nothing');
    expect(wordOf(both, ['10.0.0.110'])).toBe('active');
    expect(wordOf(answer(['sip:[fd00::1]:5060', 'AP']), ['fd00::1'])).toBe('active');
  });

  it.each([undefined, {}, { error: { code: 500 } }, { result: { RECORDS: 'none' } }])(
    'counts for nothing where it cannot be read: %j',
    (said) => expect(wordOf(said, ['10.0.0.11'])).toBe('nothing'),
  );
});
