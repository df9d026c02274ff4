import { setTimeout as delay } from 'node:timers/promises';
import { Bus } from '@reinvite/bus';
import { codedError, createLogger, type Config } from '@reinvite/runtime';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens NATS for what a person asks, and closes it afterwards. A service would try for ever; a person wants to know.
 * @param account whose keys are used, where the configuration has keys.
 * @throws CodedError `NATS_UNREACHABLE`, and what `work` throws.
 */
export async function withBus<T>(
  config: Config,
  account: 'requester' | 'operator',
  work: (bus: Bus) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const bus = await connect(config, account, stop);
  try {
    return await work(bus);
  } finally {
    stop.abort();
    await bus.close();
  }
}

async function connect(
  config: Config,
  account: 'requester' | 'operator',
  stop: AbortController,
): Promise<Bus> {
  const log = createLogger('reinvite', 'silent');
  const connected = new AbortController();
  const giveUp = delay(CONNECT_TIMEOUT_MS, undefined, { signal: connected.signal }).then(
    () => stop.abort(),
    () => undefined,
  );
  const name = `reinvite ${account}`;
  try {
    return await Bus.connect({ ...config.nats, account, name, log, signal: stop.signal });
  } catch (cause) {
    throw codedError(
      'NATS_UNREACHABLE',
      `NATS does not answer at ${config.nats.servers.length} configured address(es)`,
      {},
      cause,
    );
  } finally {
    connected.abort();
    await giveUp;
  }
}
