import { connectPool, database, inTransaction, type Pool } from '@reinvite/db';
import type { Place } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresHomes, pruneHomes, type WantedHome } from '../src/conferences/index.js';

const NODES = ['ast2', 'ast3', 'ast4', 'ast5'];
const life = (nodeId: string): Place => ({ nodeId, incarnation: `life-of-${nodeId}` });

/** A recovery that would choose a node. */
function wants(recoveryId: string, nodeId: string, change: Partial<WantedHome> = {}): WantedHome {
  return {
    recoveryId,
    conference: 'confbridge:4711',
    groups: 'default',
    target: life(nodeId),
    fit: NODES.map(life),
    lives: false,
    knownForMs: 0,
    again: false,
    tried: [],
    ...change,
  };
}

describe('the home of a conference, on a real Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeAll(async () => {
    backends = await startBackends();
    const log = createLogger('test', 'silent');
    pool = connectPool(backends.postgresUrl, { applicationName: 'test', log, size: 8 });
  });
  beforeEach(async () => {
    await pool.query('truncate conference_homes');
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  /** Each in a transaction of its own. @returns the node, for each. */
  const take = (...wanted: WantedHome[]): Promise<(string | undefined)[]> =>
    Promise.all(
      wanted.map(async (one) => {
        let taken: string | undefined;
        await inTransaction(pool, async (tx) => {
          taken = (await postgresHomes.take(tx, [one]))[0]?.home.nodeId;
        });
        return taken;
      }),
    );
  const longAgo = () =>
    database(pool).execute(sql`update conference_homes set used_at = now() - interval '2 minutes'`);

  it('is one, whoever else comes at the same moment', async () => {
    const homes: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const conference = `confbridge:${round}`;
      const taken = await take(
        ...NODES.flatMap((node) => [
          wants(`${node}-a`, node, { conference }),
          wants(`${node}-b`, node, { conference }),
        ]),
      );
      homes.push(new Set(taken).size);
    }
    expect(homes).toEqual(homes.map(() => 1));
  });

  it('waits for who was first, and is free again where that did not come to its end', async () => {
    let second: Promise<(string | undefined)[]> | undefined;
    const first = inTransaction(pool, async (tx) => {
      await postgresHomes.take(tx, [wants('r1', 'ast2')]);
      second = take(wants('r2', 'ast3'));
      for (let waiting = 0; waiting === 0;) {
        const { rows } = await pool.query<{ count: number }>(
          `select count(*)::int as count from pg_locks where locktype = 'transactionid' and not granted`,
        );
        waiting = rows[0]?.count ?? 0;
      }
      throw new Error('the first dies');
    });
    await expect(first).rejects.toThrow();
    expect(await second).toEqual(['ast3']);
    expect(await take(wants('r3', 'ast2'))).toEqual(['ast3']);
  });

  it('is another one once it is not fit any more, and then that for all', async () => {
    await take(wants('r1', 'ast2'));
    const fit = NODES.filter((node) => node !== 'ast2').map(life);
    expect(await take(wants('r2', 'ast4', { fit }))).toEqual(['ast4']);
    // Who has not heard of the death yet goes there all the same.
    expect(await take(wants('r1', 'ast2'))).toEqual(['ast4']);
  });

  it('is not the same node in another life', async () => {
    await take(wants('r1', 'ast2'));
    const reborn = { nodeId: 'ast2', incarnation: 'the-next' };
    const fit = [reborn, life('ast3')];
    expect(await take(wants('r2', 'ast3', { fit }))).toEqual(['ast3']);
  });

  it('stays where it is being brought to, and leaves in time for where it lives', async () => {
    await take(wants('r1', 'ast2'));
    expect(await take(wants('r2', 'ast3', { lives: true }))).toEqual(['ast2']);
    await longAgo();
    expect(await take(wants('r3', 'ast4'))).toEqual(['ast2']);
    await longAgo();
    expect(await take(wants('r4', 'ast3', { lives: true }))).toEqual(['ast3']);
  });

  it('is not left for where it lived before somebody came', async () => {
    await take(wants('r1', 'ast2'));
    await longAgo();
    expect(await take(wants('r2', 'ast3', { lives: true, knownForMs: 90_000 }))).toEqual(['ast2']);
    await longAgo();
    expect(await take(wants('r3', 'ast3', { lives: true, knownForMs: 30_000 }))).toEqual(['ast3']);
  });

  it('goes along with a recovery that does not get there, as long as nobody else has chosen it', async () => {
    await take(wants('r1', 'ast2'));
    expect(await take(wants('r1', 'ast3'))).toEqual(['ast2']);
    expect(await take(wants('r1', 'ast3', { again: true }))).toEqual(['ast3']);
    await take(wants('r2', 'ast3'));
    expect(await take(wants('r1', 'ast4', { again: true }))).toEqual(['ast3']);
  });

  it('does not leave a node where a part of it lived', async () => {
    await take(wants('r1', 'ast2', { lives: true }));
    expect(await take(wants('r1', 'ast3', { again: true }))).toEqual(['ast2']);
  });

  it('is each policy’s own', async () => {
    expect(await take(wants('r1', 'ast2', { groups: 'one' }))).toEqual(['ast2']);
    expect(await take(wants('r2', 'ast3', { groups: 'other' }))).toEqual(['ast3']);
  });

  it('is asked for all at once', async () => {
    const wanted = Array.from({ length: 50 }, (_, n) =>
      wants(`r${n}`, NODES[n % 4] ?? '', { conference: `confbridge:${n % 25}` }),
    );
    let taken: Awaited<ReturnType<typeof postgresHomes.take>> = [];
    await inTransaction(pool, async (tx) => {
      taken = await postgresHomes.take(tx, wanted);
    });
    expect(taken).toHaveLength(50);
    const homes = new Map(taken.map(({ recoveryId, home }) => [recoveryId, home.nodeId]));
    expect(wanted.every((_, n) => homes.get(`r${n}`) === homes.get(`r${(n + 25) % 50}`))).toBe(true);
  });

  it('is forgotten when nobody has come for long', async () => {
    await take(wants('r1', 'ast2'));
    await pruneHomes(pool, '1 minute');
    expect(await take(wants('r2', 'ast3'))).toEqual(['ast2']);
    await longAgo();
    await pruneHomes(pool, '1 minute');
    expect(await take(wants('r3', 'ast3'))).toEqual(['ast3']);
  });
});
