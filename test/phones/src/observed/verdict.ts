import type { CallKind } from '../call-plan.js';
import { phonesOf, type ObservedCall } from './call.js';
import {
  answeredAfter,
  byeOf,
  establishedAt,
  isTalkingAt,
  networkCseqBefore,
  nodeAt,
  reinvitesAfter,
  type PhoneCall,
} from './phone-call.js';
import type { VoiceTrace } from './voice.js';

/** Silence is looked for from the crash until so long after it, or until the call's end. */
const VOICE_WINDOW_MS = 10_000;
/** What is cut off at a call's end: the last packets and the BYE race each other. */
const VOICE_END_MS = 100;

/** The crash: which node died, and when (epoch ms with a fraction). */
export interface Crash {
  readonly node: string;
  readonly at: number;
}

/** What became of one phone of an eligible call. */
export interface PhoneVerdict {
  readonly role: 'caller' | 'callee';
  readonly callId: string;
  /** ms from the crash until the phone answered its first re-INVITE; null where none came or none was answered 200. */
  readonly answeredMs: number | null;
  /** Longest silence that the phone heard around the crash, in ms. */
  readonly voiceGapMs: number;
  /** The node that the call came back on; empty where it did not. */
  readonly node: string;
}

/** What became of one call that was eligible: established on the node that died, as its phones see it. */
export interface CallVerdict {
  readonly number: string;
  readonly kind: CallKind;
  readonly phones: readonly PhoneVerdict[];
  /** Why it does not count as recovered and well ended; empty where it does. */
  readonly reasons: readonly string[];
}

/**
 * Judges every call that was in progress on the node when it died. A pair of phones is one call; it is eligible as soon
 * as one of its phones was talking. Pure: the same observation gives the same verdicts.
 */
export function judge(calls: readonly ObservedCall[], crash: Crash, voice: VoiceTrace): CallVerdict[] {
  return eligibleCalls(calls, crash).map((call) => {
    const talking = phonesOf(call).filter((phone) => isTalkingAt(phone, crash.at));
    const phones = talking.map((phone) => ({
      verdict: judgePhone(phone, crash, voice),
      reasons: [...recoveryFaults(phone, crash), ...voiceFaults(phone, crash, voice)],
    }));
    return {
      number: call.number,
      kind: call.kind,
      phones: phones.map(({ verdict }) => verdict),
      reasons: [
        ...phones.flatMap(({ verdict, reasons }) => reasons.map((reason) => `${verdict.role}: ${reason}`)),
        ...(new Set(phones.map(({ verdict }) => verdict.node)).size > 1
          ? ['its phones are on different nodes']
          : []),
        ...endFaults(talking, goesOn(call) ? 2 : 1),
      ],
    };
  });
}

/** The calls that the crash concerns. */
export function eligibleCalls(calls: readonly ObservedCall[], crash: Crash): ObservedCall[] {
  return calls.filter((call) =>
    phonesOf(call).some((phone) => isTalkingAt(phone, crash.at) && nodeAt(phone, crash.at) === crash.node),
  );
}

function judgePhone(phone: PhoneCall, crash: Crash, voice: VoiceTrace): PhoneVerdict {
  const answered = reinvitesAfter(phone, crash.at).find(({ answer }) => answer?.status === 200);
  const to = voiceUntil(phone, crash);
  const gaps = [...phone.rtpPorts].map((port) => voice.longestSilence(port, crash.at, to));
  return {
    role: phone.role,
    callId: phone.callId,
    answeredMs: answeredAfter(phone, crash.at),
    voiceGapMs: Math.max(0, ...gaps),
    node: answered?.node ?? '',
  };
}

function voiceUntil(phone: PhoneCall, crash: Crash): number {
  return Math.min(crash.at + VOICE_WINDOW_MS, (byeOf(phone)?.at ?? Infinity) - VOICE_END_MS);
}

/** A dialog that came back without its voice did not come back. */
function voiceFaults(phone: PhoneCall, crash: Crash, voice: VoiceTrace): string[] {
  const back = reinvitesAfter(phone, crash.at).find(({ answer }) => answer?.status === 200);
  const until = voiceUntil(phone, crash);
  if (back === undefined || until <= back.at) return [];
  const heard = [...phone.rtpPorts].some((port) => voice.count(port, back.at, until) > 0);
  return heard ? [] : ['it hears nothing any more'];
}

/** What is wrong with how one phone's dialog came back (RFC 3261 section 12.2: same tags, higher CSeq, from a living node). */
function recoveryFaults(phone: PhoneCall, crash: Crash): string[] {
  const [first, ...more] = reinvitesAfter(phone, crash.at);
  if (first === undefined) return ['no re-INVITE came'];
  const faults: string[] = [];
  if (first.fromTag !== phone.remoteTag || first.toTag !== phone.localTag)
    faults.push('the re-INVITE has other tags');
  if (first.cseq <= networkCseqBefore(phone, crash.at))
    faults.push(`its CSeq ${first.cseq} is not higher than before`);
  if (first.node === crash.node) faults.push('it came from the node that had died');
  if (first.answer?.status !== 200) faults.push(`the phone answered it ${first.answer?.status ?? 'nothing'}`);
  if (first.answer?.status === 200 && first.ackedAt === null) faults.push('its ACK did not arrive');
  if (more.length > 0) faults.push(`${more.length + 1} re-INVITEs came`);
  return faults;
}

/** `Dial` with the option `g`: its caller goes on alone and hangs up by itself too. */
function goesOn(call: ObservedCall): boolean {
  return call.caller.dialled.startsWith('dialg-');
}

/**
 * A call ends by the BYE of one of its phones, answered 200; the other phone, if any, is hung up, and answers 200.
 * @param wanted how many of its phones hang up by themselves.
 */
function endFaults(phones: readonly PhoneCall[], wanted: number): string[] {
  const byes = phones.map((phone) => byeOf(phone));
  const faults = byes.flatMap((bye, index) => {
    const role = phones[index]?.role ?? '';
    if (bye === undefined) return [`${role}: has not ended`];
    return bye.answer?.status === 200
      ? []
      : [`${role}: the BYE was answered ${bye.answer?.status ?? 'nothing'}`];
  });
  const own = byes.filter((bye) => bye?.by === 'phone').length;
  if (faults.length === 0 && own !== wanted) faults.push(`${own} of its phones hung up by themselves`);
  return faults;
}

/** Calls that have nothing to do with the crash and noticed it all the same. */
export function disturbed(calls: readonly ObservedCall[], crash: Crash): string[] {
  const concerned = new Set(eligibleCalls(calls, crash));
  return calls
    .filter((call) => !concerned.has(call))
    .flatMap((call) =>
      phonesOf(call).flatMap((phone) => {
        if (establishedAt(phone) === null) return [];
        const came = reinvitesAfter(phone, crash.at).length;
        return came === 0
          ? []
          : [`${call.kind} ${call.number}: ${came} re-INVITE(s) though it was not on ${crash.node}`];
      }),
    );
}
