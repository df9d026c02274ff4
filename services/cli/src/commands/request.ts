import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { subjects } from '@reinvite/bus';
import { recoveryReply, recoveryRequest, type RecoveryRequest } from '@reinvite/domain';
import { codedError, loadConfig } from '@reinvite/runtime';
import { z } from 'zod';
import { withBus } from '../ask.js';
import { EXIT, type Output } from '../output.js';

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
  const config = await loadConfig(options.config);
  const reply = await withBus(config, 'requester', (bus) =>
    bus.request(subjects.recoveryRequest, asked, recoveryReply, ANSWER_TIMEOUT_MS),
  );
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
