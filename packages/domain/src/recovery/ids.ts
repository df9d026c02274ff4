import { createHash } from 'node:crypto';

const PREFIX = 'reinvite';
const DIGITS = 20;

/**
 * One call's recovery after one incarnation's death: the same three always give the same id, so that a death that is told
 * twice is planned once. Lower-case hex.
 */
export function recoveryIdOf(nodeId: string, incarnation: string, callId: string): string {
  const hash = createHash('sha256');
  for (const part of [nodeId, incarnation, callId]) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex').slice(0, DIGITS);
}

/**
 * The ARI channel id of one attempt at one leg: a repeated command finds its own channel.
 * @param leg number of the leg within its recovery, from 0
 * @param attempt from 1
 */
export function channelIdOf(recoveryId: string, leg: number, attempt: number): string {
  return `${PREFIX}-${recoveryId}-${leg}-${attempt}`;
}

/** The recovery that made a channel, from the channel's id; null for a channel that is not ours. */
export function recoveryOfChannel(
  channelId: string,
): { recoveryId: string; leg: number; attempt: number } | null {
  const match = /^reinvite-([0-9a-f]{20})-(\d+)-(\d+)$/.exec(channelId);
  if (match === null) return null;
  const [, recoveryId = '', leg = '', attempt = ''] = match;
  return { recoveryId, leg: Number(leg), attempt: Number(attempt) };
}

export function commandIdOf(recoveryId: string, attempt: number): string {
  return `${recoveryId}-${attempt}`;
}

/** Name of the recovery's stream in the event store. */
export function recoveryStream(recoveryId: string): string {
  return `recovery-${recoveryId}`;
}
