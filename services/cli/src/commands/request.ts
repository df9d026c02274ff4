import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Bus, subjects } from '@reinvite/bus';
import { recoveryReply, recoveryRequest, type RecoveryReply, type RecoveryRequest } from '@reinvite/domain';
import { codedError, createLogger, loadConfig, type Config } from '@reinvite/runtime';
import { z } from 'zod';
import { EXIT, type Output } from '../output.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than a plan of thousands of calls takes, and than HOMER is waited for unless it is configured otherwise. */
const ANSWER_TIMEOUT_MS = 30_000;

export interface RequestOptions {
  readonly config: string;
  readonly node?: string;
  readonly call?: string;
  readonly reason: string;
  readonly by?: string;
  readonly key?: string;
  readonly dryRun?: boolean;
}

/**
 * `reinvite request`: asks for a recovery and prints the answer as JSON.
 * @returns the exit code: accepted or refused.
 * @throws CodedError `USAGE_INVALID`, `CONFIG_*`, `NATS_UNREACHABLE`, `REQUEST_TIMEOUT` where no recovery service answers.
 */
export async function request(options: RequestOptions, output: Output): Promise<number> {
  const asked = requestOf(options);
  const reply = await ask(await loadConfig(options.config), asked);
  output.out(JSON.stringify(reply));
  return reply.status === 'accepted' ? EXIT.ok : EXIT.refused;
}

/**
 * The message for these options. Without a key each asking is a request of its own.
 * @throws CodedError `USAGE_INVALID`
 */
export function requestOf(options: RequestOptions): RecoveryRequest {
  const result = recoveryRequest.safeParse({
    ...(options.node === undefined ? {} : { nodeId: options.node }),
    ...(options.call === undefined ? {} : { callId: options.call }),
    reason: options.reason,
    requestedBy: options.by ?? userInfo().username,
    idempotencyKey: options.key ?? randomUUID(),
    dryRun: options.dryRun ?? false,
  });
  if (!result.success) throw codedError('USAGE_INVALID', z.prettifyError(result.error));
  return result.data;
}

async function ask(config: Config, asked: RecoveryRequest): Promise<RecoveryReply> {
  const stop = new AbortController();
  const bus = await connect(config, stop);
  try {
    return await bus.request(subjects.recoveryRequest, asked, recoveryReply, ANSWER_TIMEOUT_MS);
  } finally {
    stop.abort();
    await bus.close();
  }
}

/** A service would try for ever; a person wants to know. */
async function connect(config: Config, stop: AbortController): Promise<Bus> {
  const log = createLogger('reinvite', 'silent');
  const connected = new AbortController();
  const giveUp = delay(CONNECT_TIMEOUT_MS, undefined, { signal: connected.signal }).then(
    () => stop.abort(),
    () => undefined,
  );
  try {
    return await Bus.connect({
      ...config.nats,
      account: 'requester',
      name: 'reinvite request',
      log,
      signal: stop.signal,
    });
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
