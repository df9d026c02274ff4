import { connectPool, PostgresDialogSource, type Pool } from '@reinvite/db';
import { startBackends } from '@reinvite/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresStore } from '../src/store.js';
import { answeredCall, AST1, AST2, ledgerOn, log, PHONE, reinvitedBy } from './captures.js';
import { FakeStore } from './fake-store.js';

let backends: Awaited<ReturnType<typeof startBackends>>;
let pool: Pool;

beforeAll(async () => {
  backends = await startBackends();
  pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
});
afterAll(async () => {
  await pool.end();
  await backends.stop();
});

/** What a ledger that saw these packets would write. */
async function evidenceOf(packets: readonly Buffer[]) {
  const store = new FakeStore();
  const { ledger } = ledgerOn(store, Date.now);
  packets.forEach((packet) => ledger.take(packet, PHONE));
  await ledger.flush();
  await ledger.close();
  return [...store.rows.values()];
}

/** The next transaction is committed, and the connection breaks before that is known. */
function loseTheAnswer(): void {
  const connect = pool.connect.bind(pool) as (...args: unknown[]) => unknown;
  const breaking = async (): Promise<object> => {
    pool.connect = connect as Pool['connect'];
    const client = (await connect()) as { query: (...args: unknown[]) => Promise<unknown> };
    const query = client.query.bind(client);
    client.query = async (...args) => {
      const result = await query(...args);
      if (args[0] === 'commit') throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      return result;
    };
    return client;
  };
  // A single query of the pool's own asks with a callback.
  pool.connect = ((...args: unknown[]) =>
    args.length > 0 ? connect(...args) : breaking()) as Pool['connect'];
}

it('joins once more what it may have joined, when the answer was lost', async () => {
  const [first, second] = [postgresStore(pool, 'ledger-1', log), postgresStore(pool, 'ledger-2', log)];
  await first.write(await evidenceOf(answeredCall(AST1, 'c1')));
  const again = await evidenceOf(reinvitedBy(AST2, 'c1'));
  loseTheAnswer();
  await expect(second.write(again)).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
  const { joined } = await second.write(again);
  expect(joined).toHaveLength(1);
  const source = new PostgresDialogSource(pool);
  const [dialog] = (await source.findByCallIds(['c1'])).get('c1') ?? [];
  expect(dialog).toMatchObject({ nodeId: 'ast2', localCSeq: 10 });
  expect(dialog?.unsure).not.toContain('creation-unseen');
});
