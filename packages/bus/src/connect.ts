import { connect, type NatsConnection } from '@nats-io/transport-node';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import { connectOptions, type Access } from './access.js';
import { streamsOf } from './permissions.js';
import { ensureStreams, requireStreams } from './streams.js';

export interface BusOptions extends Access {
  /** Servers that keep each JetStream stream: 1, 3 or 5; what a stream has already where it is not given. */
  readonly replicas?: number | undefined;
  /** Whether streams are needed; default true. Without them nothing is asked of JetStream, and none is created. */
  readonly streams?: boolean;
  /** Shown in the NATS server's list of connections. */
  readonly name: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** @throws CodedError `NATS_UNREACHABLE`, `CONFIG_UNREADABLE`, `CONFIG_INVALID`. */
export async function openConnection(options: BusOptions): Promise<NatsConnection> {
  const access = await connectOptions(options);
  try {
    return await connect({
      ...access,
      name: options.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      reconnectJitter: 100,
      pingInterval: 5_000,
      timeout: 2_000,
    });
  } catch (cause) {
    throw codedError('NATS_UNREACHABLE', 'NATS does not answer', {}, cause);
  }
}

/** Creates the streams, or waits for those that the account needs. @throws as {@link coded}. */
export function prepare(
  connection: NatsConnection,
  { nkeyFile, account, replicas, streams = true }: BusOptions,
): Promise<void> {
  if (!streams) return Promise.resolve();
  return coded(
    nkeyFile === undefined
      ? ensureStreams(connection, replicas)
      : requireStreams(connection, streamsOf(account ?? '')),
  );
}

/** @throws CodedError `NATS_UNREACHABLE` for whatever JetStream could not do. */
export async function coded(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (isCoded(cause)) throw cause;
    throw codedError('NATS_UNREACHABLE', 'JetStream does not answer', {}, cause);
  }
}

/** Good enough for a machine of one's own; anywhere else it lets whoever gets at the port move calls. */
export function warnOfOpenDoors({ info }: NatsConnection, log: Logger): void {
  if (info?.auth_required !== true) log.warn('NATS asks nobody for a login: see docs/security.md');
  if (info?.tls_required !== true) log.warn('the connection to NATS is not encrypted: see docs/security.md');
}

/** Whether the connection stands, as far as the client knows. */
export interface Link {
  isUp: boolean;
}

/** Says when the connection goes and comes back, until it is closed. */
export async function watchStatus(connection: NatsConnection, link: Link, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') {
      link.isUp = false;
      log.warn({ code: 'NATS_UNREACHABLE' }, 'connection to NATS lost, trying again');
    }
    if (status.type === 'error') {
      log.error(
        { code: 'NATS_FORBIDDEN', problem: status.error.message },
        'NATS refuses what was asked of it',
      );
    }
    if (status.type === 'reconnect') {
      link.isUp = true;
      log.info('connection to NATS is back');
    }
  }
}
