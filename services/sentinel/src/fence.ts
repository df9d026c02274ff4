import { subjects, type Bus } from '@reinvite/bus';
import { fenceReply, type FactsTold, type FenceRequest } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { runCommand } from './fence-command.js';

/** Killing a process takes an agent no longer; where a command can do it too, an agent that is cut off is not waited for. */
const AGENT_WITH_FALLBACK_MS = 1_000;

export interface FenceOptions {
  readonly bus: Pick<Bus, 'request'>;
  readonly log: Logger;
  readonly timeoutMs: number;
  /** Program and arguments; `{nodeId}` and `{incarnation}` in an argument are replaced. */
  readonly command: readonly string[] | undefined;
  /** Default: {@link runCommand}. */
  readonly run?: typeof runCommand | undefined;
  /** Asked before the command runs: false where the node is well after all and should be left alone. */
  readonly stillNeeded: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

export type FenceResult =
  | {
      readonly kind: 'fenced';
      readonly by: 'agent' | 'command' | 'lease';
      readonly told: FactsTold | null;
      /** How long ago, ms, its agent had seen it end; left out where that was not before. */
      readonly agoMs?: number;
      readonly agreedBy?: readonly string[];
    }
  | { readonly kind: 'fence-failed'; readonly reason: string };

/**
 * Makes sure that a life of a node is over: its agent kills it, or else the configured command does, whose exit code 0
 * confirms it. Always resolves; what is not confirmed counts as failed.
 */
export async function fenceNode(
  nodeId: string,
  incarnation: string,
  options: FenceOptions,
): Promise<FenceResult> {
  const byAgent = await askAgent(nodeId, incarnation, options);
  if (byAgent.kind === 'fenced' || options.command === undefined) return byAgent;
  if (!(await options.stillNeeded()))
    return { kind: 'fence-failed', reason: `${byAgent.reason}; left alone: it is well` };
  const byCommand = await fenceByCommand(nodeId, incarnation, options.command, options);
  if (byCommand.kind === 'fenced') return byCommand;
  return { kind: 'fence-failed', reason: `${byAgent.reason}; ${byCommand.reason}` };
}

/** Has a life killed that goes on though it was declared down; its agent is not asked whether it is well. */
export async function endRevenant(
  nodeId: string,
  incarnation: string,
  { bus, timeoutMs }: Pick<FenceOptions, 'bus' | 'timeoutMs'>,
): Promise<FenceResult> {
  return askAgent(nodeId, incarnation, { bus, timeoutMs, command: undefined, declaredDown: true });
}

async function askAgent(
  nodeId: string,
  incarnation: string,
  {
    bus,
    timeoutMs,
    command,
    declaredDown,
  }: Pick<FenceOptions, 'bus' | 'timeoutMs' | 'command'> & { declaredDown?: boolean },
): Promise<FenceResult> {
  const request: FenceRequest = {
    type: 'Fence',
    nodeId,
    incarnation,
    requestedBy: 'sentinel',
    ...(declaredDown === true ? { declaredDown } : {}),
  };
  const waitMs = command === undefined ? timeoutMs : Math.min(timeoutMs, AGENT_WITH_FALLBACK_MS);
  try {
    const reply = await bus.request(subjects.fence(nodeId), request, fenceReply, waitMs);
    if (reply.fenced && reply.incarnation === incarnation) {
      const { lastFactSeq, factsComplete, agoMs } = reply;
      const ago = agoMs === undefined ? {} : { agoMs };
      return { kind: 'fenced', by: 'agent', told: { lastFactSeq, factsComplete }, ...ago };
    }
    return {
      kind: 'fence-failed',
      reason: `agent: ${reply.reason} (its incarnation is ${reply.incarnation})`,
    };
  } catch (error) {
    return { kind: 'fence-failed', reason: `agent: ${isCoded(error) ? error.code : String(error)}` };
  }
}

async function fenceByCommand(
  nodeId: string,
  incarnation: string,
  command: readonly string[],
  options: FenceOptions,
): Promise<FenceResult> {
  const [program = '', ...given] = command.map((part) =>
    part.replaceAll('{nodeId}', nodeId).replaceAll('{incarnation}', incarnation),
  );
  const { run = runCommand } = options;
  const result = await run(program, given, options);
  const { exitCode, timedOut } = result;
  options.log[exitCode === 0 ? 'info' : 'warn']({ nodeId, program, ...result }, 'fence command ended');
  if (exitCode === 0) return { kind: 'fenced', by: 'command', told: null };
  return {
    kind: 'fence-failed',
    reason: `command: ${timedOut ? 'timed out' : `exit code ${exitCode ?? 'none'}`}`,
  };
}
