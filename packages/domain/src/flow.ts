import { z } from 'zod';

/** SIP Call-ID of a leg: ARI's `protocol_id` of its channel, the same before and after a recovery. */
const sipCallId = z.string().min(1).max(256);
/** Names one effect of a call. */
const effectKey = z.string().min(1).max(128);
/** Drawn by who asks, so that what is asked again after an answer went astray is known by it. */
const token = z.string().min(1).max(64);
const version = z.number().int().nonnegative();

/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What came as JSON is JSON; taking it apart would lose what no schema keeps, such as a key `__proto__`. */
const json = z.custom<Json>((value) => value !== undefined, 'a JSON value');

/** Subject `reinvite.flow.put`: the state that the application has the call in from now on. Answered with {@link flowPutReply}. */
export const flowPut = z.strictObject({
  sipCallId,
  state: json,
  /** The version that must be there still; 0: none. Whatever is there where it is absent. */
  expectedVersion: version.optional(),
  /** The same one put twice is put once. */
  putId: token.optional(),
});
export type FlowPut = z.infer<typeof flowPut>;

/** Subject `reinvite.flow.get`, answered with {@link flowGetReply}. */
export const flowGet = z.strictObject({ sipCallId });
export type FlowGet = z.infer<typeof flowGet>;

/** Subject `reinvite.flow.effect`, answered with {@link flowEffectReply}. */
export const flowEffect = z.discriminatedUnion('type', [
  /** Asks for leave to do what must not be done twice. `claim`: who asks. */
  z.strictObject({ type: z.literal('BeginEffect'), sipCallId, key: effectKey, claim: token }),
  /** Tells what came of it. */
  z.strictObject({ type: z.literal('EndEffect'), sipCallId, key: effectKey, claim: token, result: json }),
]);
export type FlowEffect = z.infer<typeof flowEffect>;

const refused = z.object({
  status: z.literal('refused'),
  code: z.string(),
  message: z.string(),
  /** With `FLOW_VERSION_CONFLICT`: the version that is there. */
  version: version.optional(),
});
export type FlowRefusal = z.infer<typeof refused>;

export const flowPutReply = z.discriminatedUnion('status', [
  z.object({ status: z.literal('done'), version }),
  refused,
]);
export type FlowPutReply = z.infer<typeof flowPutReply>;

/** One effect of a call as it is known: `begun` is being done, or nobody knows whether it was. */
const knownEffect = z.discriminatedUnion('status', [
  z.object({ key: z.string(), status: z.literal('begun') }),
  z.object({ key: z.string(), status: z.literal('done'), result: json }),
]);
export type KnownEffect = z.infer<typeof knownEffect>;

export const flowGetReply = z.discriminatedUnion('status', [
  /** `version` 0 and `state` null: nothing was put. */
  z.object({ status: z.literal('done'), version, state: json, effects: z.array(knownEffect) }),
  refused,
]);
export type FlowGetReply = z.infer<typeof flowGetReply>;

export const flowEffectReply = z.discriminatedUnion('status', [
  /** To `BeginEffect`: it is on record, and the asker may do it. */
  z.object({ status: z.literal('begun') }),
  /** It was done, by whomever. */
  z.object({ status: z.literal('done'), result: json }),
  /** To `BeginEffect`: another one has begun it, and has not told what came of it. */
  z.object({ status: z.literal('unknown') }),
  refused,
]);
export type FlowEffectReply = z.infer<typeof flowEffectReply>;

/** What an application had put of a leg when its recovery was planned. `state`: JSON, as it was put. */
export const flowOfLeg = z.object({ version: z.number().int().positive(), state: z.string() });
export type FlowOfLeg = z.infer<typeof flowOfLeg>;

/** First argument of the `StasisStart` of a channel that came back. */
const RECOVERED = 'recovered';

/**
 * Arguments of the `StasisStart` of a channel that came back: `recovered`, our id of the call, and where the application has put
 * a state its version and the state in base64url, which no separator of Asterisk can be in (RFC 4648 section 5).
 */
export function recoveredArgs(callId: string, flow?: FlowOfLeg): string[] {
  const args = [RECOVERED, callId];
  return flow === undefined
    ? args
    : [...args, String(flow.version), Buffer.from(flow.state).toString('base64url')];
}

/** What {@link recoveredArgs} says; `version` 0 and `state` null where nothing was put. */
export interface RecoveredFlow {
  readonly callId: string;
  readonly version: number;
  readonly state: Json;
}

/** Reads the arguments of a `StasisStart`; null where they are not those of a channel that came back. */
export function parseRecoveredArgs(args: readonly string[]): RecoveredFlow | null {
  const [what, callId, told, state] = args;
  if (what !== RECOVERED || callId === undefined) return null;
  if (told === undefined) return { callId, version: 0, state: null };
  try {
    const read = JSON.parse(Buffer.from(state ?? '', 'base64url').toString('utf8')) as Json;
    return { callId, version: version.positive().parse(Number(told)), state: read };
  } catch {
    return null;
  }
}
