import { setTimeout as delay } from 'node:timers/promises';
import { Bus } from '@reinvite/bus';
import { connectPool } from '@reinvite/db';
import { readSecret, retryForever, type Logger, type Service } from '@reinvite/runtime';
import { answerBarriers } from './barrier.js';
import { captureReader } from './capture.js';
import { Ledger } from './ledger.js';
import { listen } from './listener.js';
import { postgresStore } from './store.js';

const EXPIRE_EVERY_MS = 5_000;

const MINUTE_MS = 60_000;
const RETENTION = { earlyMs: 10 * MINUTE_MS, answeredInvitationMs: 32_000, silentMs: 24 * 60 * MINUTE_MS };

/**
 * The dialog-ledger: folds HEPv3 captures of every node into SIP dialogs and keeps them in Postgres.
 *
 * It listens first and connects then, because a capture is never sent again: with Postgres or NATS not reachable it goes
 * on folding in memory.
 */
export const dialogLedger: Service = async ({ config, log, signal }) => {
  const { ledgerId, host, port, flushMs, keepEndedMs } = config.dialogLedger;
  const url = await readSecret('postgres.url', config.postgres.url, config.postgres.urlFile);
  const pool = connectPool(url, { applicationName: `reinvite-${ledgerId}`, log, size: 2 });
  const ledger = new Ledger({
    reader: captureReader(config.nodes),
    store: postgresStore(pool, log),
    flushMs,
    retention: { ...RETENTION, endedMs: keepEndedMs },
    log,
    now: Date.now,
  });
  const listener = await listen(host, port, (packet) => ledger.take(packet), log);
  log.info({ host, port: listener.port }, 'listening for HEP');

  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const buses: Bus[] = [];
  const serve = async (): Promise<void> => {
    const bus = await Bus.connect({ servers: config.nats.servers, name: ledgerId, log, signal: until });
    buses.push(bus);
    answerBarriers(bus, ledgerId, listener, ledger, log);
  };
  try {
    await Promise.all([
      untilStopped(until, () => expireForEver(ledger, log, until)),
      untilStopped(until, async () => {
        const load = retryForever(() => ledger.load(), { what: 'loading the dialogs', log, signal: until });
        await Promise.all([load, serve()]);
        log.info('ready');
      }),
    ]);
  } finally {
    ended.abort();
    await listener.drained();
    await listener.close();
    await ledger.close();
    for (const bus of buses) await bus.close();
    await pool.end();
  }
};

/** Runs until it is done or the signal aborts; what it throws because of the signal is no error. */
async function untilStopped(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function expireForEver(ledger: Ledger, log: Logger, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(EXPIRE_EVERY_MS, undefined, { signal });
    try {
      await ledger.expire();
    } catch (err) {
      log.warn({ err }, 'dialogs that are over cannot be removed, trying again');
    }
  }
}
