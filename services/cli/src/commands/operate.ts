import { userInfo } from 'node:os';
import { subjects } from '@reinvite/bus';
import {
  declareDown,
  declareDownReply,
  operatorCommand,
  operatorReply,
  type DeclareDown,
  type OperatorCommand,
} from '@reinvite/domain';
import { codedError, loadConfig } from '@reinvite/runtime';
import { z } from 'zod';
import { withBus } from '../ask.js';
import { EXIT, type Output } from '../output.js';

/** Longer than thousands of calls take that are let go or given up. */
const ANSWER_TIMEOUT_MS = 30_000;
const SENTINEL_TIMEOUT_MS = 5_000;

export interface OperatorOptions {
  readonly config: string;
  readonly reason: string;
  readonly by?: string;
}

type Saying = { readonly requestedBy: string; readonly reason: string };

/**
 * `reinvite stop`: from when it has answered no plan is recorded any more, on any replica, until `reinvite resume`.
 * @returns the exit code. @throws CodedError `USAGE_INVALID`, `CONFIG_*`, `NATS_UNREACHABLE`, `REQUEST_TIMEOUT`.
 */
export function stop(options: OperatorOptions, output: Output): Promise<number> {
  return tell(options, { type: 'StopRecovery', ...saying(options) }, output);
}

/** `reinvite resume`: ends a stop, and lets go what a mass failure holds. Returns and throws as {@link stop}. */
export function resume(options: OperatorOptions, output: Output): Promise<number> {
  return tell(options, { type: 'ResumeRecovery', ...saying(options) }, output);
}

/** `reinvite release`: lets a call go that is held. Returns and throws as {@link stop}. */
export function release(callId: string, options: OperatorOptions, output: Output): Promise<number> {
  return tell(options, { type: 'ReleaseCall', callId, ...saying(options) }, output);
}

/** `reinvite declare-down`: accepted where one sentinel has recorded it. Returns and throws as {@link stop}. */
export async function declareNodeDown(
  nodeId: string,
  options: OperatorOptions,
  output: Output,
): Promise<number> {
  const asked: DeclareDown = valid(declareDown, { type: 'DeclareDown', nodeId, ...saying(options) });
  const config = await loadConfig(options.config);
  const replies = await withBus(config, 'operator', (bus) =>
    bus.requestMany(
      subjects.operatorNode,
      asked,
      declareDownReply,
      config.sentinel.sentinels,
      SENTINEL_TIMEOUT_MS,
    ),
  );
  const reply = replies.find(({ status }) => status === 'accepted') ?? replies[0];
  if (reply === undefined)
    throw codedError('REQUEST_TIMEOUT', `no sentinel answered within ${SENTINEL_TIMEOUT_MS} ms`);
  output.out(JSON.stringify(reply));
  return reply.status === 'accepted' ? EXIT.ok : EXIT.refused;
}

async function tell(options: OperatorOptions, command: OperatorCommand, output: Output): Promise<number> {
  const asked = valid(operatorCommand, command);
  const config = await loadConfig(options.config);
  const reply = await withBus(config, 'operator', (bus) =>
    bus.request(subjects.operatorRecovery, asked, operatorReply, ANSWER_TIMEOUT_MS),
  );
  output.out(JSON.stringify(reply));
  return reply.status === 'refused' ? EXIT.refused : EXIT.ok;
}

function saying({ reason, by }: OperatorOptions): Saying {
  return { requestedBy: by ?? userInfo().username, reason };
}

/** @throws CodedError `USAGE_INVALID` */
function valid<T>(schema: z.ZodType<T>, command: unknown): T {
  const result = schema.safeParse(command);
  if (!result.success) throw codedError('USAGE_INVALID', z.prettifyError(result.error));
  return result.data;
}
