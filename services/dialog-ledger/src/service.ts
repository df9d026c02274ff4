import { randomUUID } from 'node:crypto';
import { Bus } from '@reinvite/bus';
import { connectPool } from '@reinvite/db';
import {
  codedError,
  postgresUrl,
  readSecret,
  retryForever,
  type Config,
  type Service,
} from '@reinvite/runtime';
import { Attribution } from './attribution.js';
import { answerBarriers } from './barrier.js';
import { captureReader } from './capture.js';
import { Counters } from './counters.js';
import { Ledger } from './ledger.js';
import { listen } from './listener.js';
import { Namesakes } from './namesakes.js';
import { passwordCheck } from './password.js';
import { answerStatus } from './status.js';
import { postgresStore } from './store.js';
import { expireForEver, packForEver } from './upkeep.js';

const MINUTE_MS = 60_000;
const RETENTION = {
  earlyMs: 10 * MINUTE_MS,
  answeredInvitationMs: 32_000,
  silentMs: 24 * 60 * MINUTE_MS,
  straySilentMs: 60 * MINUTE_MS,
};

/** How long what has arrived is still read when the service stops. */
const LAST_READ_MS = 1_000;

/**
 * The dialog-ledger: folds HEPv3 captures of every node into SIP dialogs and keeps them in Postgres.
 *
 * It listens first and connects then, because a capture is never sent again: with Postgres or NATS not reachable it goes
 * on folding in memory.
 */
export const dialogLedger: Service = async ({ config, log, signal }) => {
  const { ledgerId, flushMs, keepEndedMs, maxCallIds } = config.dialogLedger;
  const startedAt = Date.now();
  const url = await postgresUrl(config, 'dialog-ledger');
  const pool = connectPool(url, { applicationName: `reinvite-${ledgerId}`, log, size: 2 });
  const counters = new Counters(log);
  const isAuthorized = passwordCheck(await capturePasswords(config.dialogLedger));
  const ledger = new Ledger({
    reader: captureReader(new Attribution(config.nodes), isAuthorized),
    counters,
    maxCallIds,
    store: postgresStore(pool, ledgerId, log),
    flushMs,
    retention: { ...RETENTION, endedMs: keepEndedMs },
    log,
    now: Date.now,
  });
  const listener = await listen(config.dialogLedger, {
    packet: (packet, sender, transport) => {
      counters.packet(transport);
      return ledger.take(packet, sender);
    },
    dropped: (error) => counters.drop(error, Date.now()),
    log,
  });
  const { ports, receiveBufferBytes } = listener;
  log.info({ host: config.dialogLedger.host, ports, receiveBufferBytes }, 'listening for HEP');

  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const namesakes = new Namesakes(ledgerId, randomUUID(), log);
  const buses: Bus[] = [];
  const serve = async (): Promise<Bus> => {
    const bus = await Bus.connect({
      ...config.nats,
      account: 'dialog-ledger',
      name: ledgerId,
      log,
      signal: until,
    });
    buses.push(bus);
    answerBarriers(bus, ledgerId, listener, ledger, log);
    answerStatus(bus, { ledgerId, namesakes, listener, ledger, counters, startedAt });
    return bus;
  };
  try {
    await Promise.all([
      untilStopped(until, () => expireForEver(ledger, listener, log, until)),
      untilStopped(until, () => packForEver(ledger, until)),
      untilStopped(until, async () => {
        const load = retryForever(() => ledger.load(), { what: 'loading the dialogs', log, signal: until });
        const [bus] = await Promise.all([serve(), load]);
        log.info('ready');
        await namesakes.watch(bus, until);
      }),
    ]);
  } finally {
    ended.abort();
    await listener
      .drained(LAST_READ_MS)
      .catch((err: unknown) => log.warn({ err }, 'stopped with captures unread'));
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

/** @throws CodedError `CONFIG_UNREADABLE`, or `CONFIG_INVALID` for a file without a password. */
async function capturePasswords(config: Config['dialogLedger']): Promise<string[]> {
  const { capturePassword, capturePasswordFile: file } = config;
  if (capturePassword === undefined && file === undefined) return [];
  const what = 'dialogLedger.capturePassword';
  const lines = (await readSecret(what, capturePassword, file)).split(/\r?\n/);
  const passwords = lines.filter((line) => line !== '');
  if (passwords.length === 0) throw codedError('CONFIG_INVALID', `${what}: the file holds none`);
  return passwords;
}
