import { subjects } from '@reinvite/bus';
import {
  operatorReply,
  sentinelStatus,
  type OperatorCommand,
  type RecoveryStatus,
  type SentinelStatus,
} from '@reinvite/domain';
import { codedError, loadConfig } from '@reinvite/runtime';
import { withBus } from '../ask.js';
import { EXIT, type Output } from '../output.js';

const ANSWER_TIMEOUT_MS = 10_000;
const SENTINELS_TIMEOUT_MS = 1_500;

export interface StatusOptions {
  readonly config: string;
  readonly json?: boolean;
}

interface Status {
  readonly recovery: RecoveryStatus;
  readonly sentinels: readonly SentinelStatus[];
  /** How many sentinels there should be. */
  readonly sentinelsWanted: number;
}

/**
 * `reinvite status`: how the cluster stands, for a person or as JSON.
 * @returns the exit code: 0 also where something holds recovery back.
 * @throws CodedError `CONFIG_*`, `NATS_UNREACHABLE`, `REQUEST_TIMEOUT` where no recovery service answers.
 */
export async function status({ config: file, json = false }: StatusOptions, output: Output): Promise<number> {
  const config = await loadConfig(file);
  const sentinelsWanted = config.sentinel.sentinels;
  const ask: OperatorCommand = { type: 'AskStatus' };
  const [reply, sentinels] = await withBus(config, 'operator', (bus) =>
    Promise.all([
      bus.request(subjects.operatorRecovery, ask, operatorReply, ANSWER_TIMEOUT_MS),
      bus.requestMany(
        subjects.sentinelStatus,
        { type: 'AskSentinelStatus' },
        sentinelStatus,
        sentinelsWanted,
        SENTINELS_TIMEOUT_MS,
      ),
    ]),
  );
  if (reply.status === 'refused') {
    output.err(`reinvite: ${reply.code}: ${reply.message}`);
    return EXIT.refused;
  }
  if (reply.status !== 'status')
    throw codedError('MESSAGE_INVALID', 'recovery answered something else than its status');
  const found: Status = { recovery: reply.recovery, sentinels, sentinelsWanted };
  if (json) output.out(JSON.stringify(found));
  else for (const line of describe(found, Date.now())) output.out(line);
  return EXIT.ok;
}

/** The status in lines for a person. @param now epoch ms */
export function describe({ recovery, sentinels, sentinelsWanted }: Status, now: number): string[] {
  return [
    ...controlLines(recovery, now),
    '',
    ...sentinelLines(sentinels, sentinelsWanted),
    '',
    'nodes:',
    ...recovery.nodes.map(
      ({ nodeId, asterisk, liveChannels, heardAgoMs, excluded }) =>
        `  ${nodeId}: ${asterisk}, ${liveChannels} channels, heard ${heardAgoMs} ms ago` +
        (excluded === null ? '' : `; gets no recovered calls: ${excluded}`),
    ),
    '',
    recovery.held.length === 0 ? 'no call waits for an operator' : 'calls that wait for an operator:',
    ...recovery.held.map(
      ({ callId, nodeId, reason, until }) =>
        `  ${callId} of ${nodeId}: ${reason}; given up ${secondsUntil(until, now)}`,
    ),
    '',
    recovery.deaths.length === 0 ? 'no node has died yet' : 'latest deaths:',
    ...recovery.deaths.map(
      (death) =>
        `  ${death.nodeId} at ${new Date(death.downAt).toISOString()} (${death.evidence}): ${death.calls} calls, ` +
        `${death.recovered} recovered, ${death.partlyRecovered} partly, ${death.failed} failed, ` +
        `${death.skipped} skipped, ${death.underWay} under way`,
    ),
  ];
}

function controlLines({ control: { stopped, massFailure } }: RecoveryStatus, now: number): string[] {
  if (stopped === null && massFailure === null) return ['recovery is on'];
  return [
    ...(stopped === null
      ? []
      : [
          `recovery is STOPPED since ${new Date(stopped.at).toISOString()} by ${stopped.requestedBy}: ${stopped.reason}`,
        ]),
    ...(massFailure === null
      ? []
      : [
          `MASS FAILURE ${secondsUntil(massFailure.at, now)}: ${massFailure.dead.join(', ')} of ${massFailure.nodes} nodes; ` +
            'recovery waits for `reinvite resume`',
        ]),
  ];
}

function sentinelLines(sentinels: readonly SentinelStatus[], wanted: number): string[] {
  const answered = `${sentinels.length} of ${wanted} sentinels answer`;
  return [
    sentinels.some(({ alone }) => alone) ? `${answered}; it decides ALONE` : answered,
    ...sentinels.map(
      ({ sentinelId, nodes }) =>
        `  ${sentinelId}: ${nodes.map(({ nodeId, standing }) => `${nodeId} ${standing}`).join(', ')}`,
    ),
  ];
}

function secondsUntil(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1_000);
  return seconds >= 0 ? `in ${seconds} s` : `${-seconds} s ago`;
}
