import type { ObservedCall } from '@reinvite/test-phones';

/** One life of a node's Asterisk, as the lab saw it. Times: epoch ms with a fraction. */
export interface Life {
  readonly node: string;
  /** -Infinity for the one that was there from the beginning. */
  readonly startedAt: number;
  /** When it was killed, stopped or cut off; null while it talks. */
  readonly silentAt: number | null;
  /** When its process was gone for certain; null while it is there. */
  readonly endedAt: number | null;
  /** Index of the injection that was to end it; null where none was: then nobody may take its calls. */
  readonly injection: number | null;
}

/** A fault as it was carried out. */
export interface Injected {
  readonly index: number;
  readonly fault: string;
  readonly at: number;
  /** When it was over: everything runs again. */
  readonly until: number;
  readonly patienceMs: number;
}

/** A time in which SIP was not captured. */
export interface Blindness {
  readonly from: number;
  readonly to: number;
}

/** A row of `audit_recoveries`. */
export interface AuditRecovery {
  readonly recoveryId: string;
  readonly callId: string;
  readonly nodeId: string;
  readonly incarnation: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly detectedAt: number;
  /** SIP Call-IDs of its legs. */
  readonly sipCallIds: readonly string[];
}

/** A row of `audit_nodes`. */
export interface AuditDeath {
  readonly nodeId: string;
  /** Asterisk's own time of its start, epoch ms. */
  readonly incarnation: string;
  readonly evidence: string;
  readonly downAt: number;
}

/** A channel that an Asterisk has when every phone that was to hang up has. */
export interface Channel {
  readonly node: string;
  /** Call-ID of its dialog. */
  readonly sipCallId: string;
}

/** All that was seen of a run. */
export interface Evidence {
  readonly calls: readonly ObservedCall[];
  readonly lives: readonly Life[];
  readonly injected: readonly Injected[];
  /** How many times longer than usual everything may take on that machine. */
  readonly patience: number;
  readonly blind: readonly Blindness[];
  readonly recoveries: readonly AuditRecovery[];
  readonly deaths: readonly AuditDeath[];
  readonly channels: readonly Channel[];
  /** Why the captures cannot be trusted; empty where they can. */
  readonly doubts: readonly string[];
}

/** Asterisk says when it started in whole seconds or later than the process did; never so much earlier. */
const CLOCK_MS = 2_000;

/** Whether the life can still speak to phones at that moment. */
export function talksAt(life: Life, at: number): boolean {
  return life.startedAt <= at && (life.silentAt === null || at < life.silentAt);
}

/** The life that a node had at that moment, dead or alive: the last that had begun. */
export function lifeAt(lives: readonly Life[], node: string, at: number): Life | undefined {
  return lives.filter((life) => life.node === node && life.startedAt <= at).at(-1);
}

/** The life that an audit's row speaks of. */
export function lifeOf(
  lives: readonly Life[],
  { nodeId, incarnation }: { readonly nodeId: string; readonly incarnation: string },
): Life | undefined {
  return lifeAt(lives, nodeId, Number(incarnation) + CLOCK_MS);
}
