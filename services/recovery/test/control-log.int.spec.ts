import { connectPool, inTransaction, type Pool } from '@reinvite/db';
import { controlEvent } from '@reinvite/domain';
import { EventCodec, EventStore } from '@reinvite/event-store';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlLog, guardOf } from '../src/restraint/control-log.js';

const RESTRAINED = expect.objectContaining({ code: 'RECOVERY_RESTRAINED' }) as unknown;
const stop = { type: 'Stop', requestedBy: 'alice', reason: 'test', at: 1 } as const;
const resume = { type: 'Resume', requestedBy: 'alice', reason: 'test', at: 2 } as const;

describe('what holds recovery back, on a real Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let log: ControlLog;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, {
      applicationName: 'test',
      log: createLogger('test', 'silent'),
    });
    log = new ControlLog(new EventStore({ pool, codec: new EventCodec({ schema: controlEvent }) }));
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  it('lets nothing be recorded that was planned before a stop, and again what is planned after a resume', async () => {
    const before = await log.read();
    await inTransaction(pool, guardOf(before.version));
    await log.tell(stop);
    await expect(inTransaction(pool, guardOf(before.version))).rejects.toEqual(RESTRAINED);
    const { version } = await log.tell(resume);
    await inTransaction(pool, guardOf(version));
  });

  it('makes a stop wait for the plans that are being recorded', async () => {
    const { version } = await log.read();
    const order: string[] = [];
    let stopping: Promise<unknown> = Promise.resolve();
    await inTransaction(pool, async (tx) => {
      await guardOf(version)(tx);
      stopping = log.tell(stop).then(() => order.push('stopped'));
      // Resolves once the stop is seen to wait for our lock.
      for (let isWaiting = false; !isWaiting;) {
        const { rows } = await pool.query('select 1 from pg_locks where not granted');
        isWaiting = rows.length > 0;
      }
      order.push('recorded');
    });
    await stopping;
    expect(order).toEqual(['recorded', 'stopped']);
    await log.tell(resume);
  });

  it('is one history, whoever of many is first', async () => {
    const told = await Promise.all(Array.from({ length: 4 }, () => log.tell(stop)));
    expect(told.flatMap(({ happened }) => happened)).toHaveLength(1);
    expect((await log.read()).control.stopped).toMatchObject({ requestedBy: 'alice' });
  });
});
