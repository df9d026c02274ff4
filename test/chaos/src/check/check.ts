import { establishedAt, byeOf, phonesOf, type ObservedCall } from '@reinvite/test-phones';
import { auditDifferences } from './audit.js';
import { callStoryOf, type CallStory, type Chain } from './call.js';
import type { Difference, DifferenceKind } from './difference.js';
import type { Channel, Evidence, Injected, Life } from './evidence.js';
import { notSetUp } from './set-up.js';

/** Where no fault says otherwise, in ms. */
const PATIENCE_MS = 4_000;

/** What one fault did. */
export interface FaultCount {
  readonly fault: string;
  readonly injected: number;
  /** Calls that were in progress on a node that it ended, or, where it ends none, calls in progress meanwhile. */
  readonly atStake: number;
  readonly recovered: number;
  readonly lost: number;
  /** Lost, and the design had not promised otherwise. */
  readonly beyondPromise: number;
  /** Calls taken over, or nodes taken for dead, without right. */
  readonly wrongTakeovers: number;
  readonly doubled: number;
}

/** What the checker says of a run. */
export interface Verdict {
  readonly faults: readonly FaultCount[];
  readonly differences: readonly Difference[];
  /** Lost calls that the design had not promised to keep. */
  readonly limits: readonly Difference[];
  /** Calls that were not answered for a second yet when their node died, and calls whose phone hung up before it was called back. */
  readonly unsettled: number;
  readonly hungUp: number;
}

const WRONG: readonly DifferenceKind[] = ['wrong-takeover', 'wrong-fence', 'wrong-death'];

/** Compares what the phones and the Asterisks saw with what the audit says. Pure: the same evidence gives the same verdict. */
export function check(evidence: Evidence): Verdict {
  const { lives, injected, blind, patience } = evidence;
  const patienceOf = (life: Life): number =>
    injected.find(({ index }) => index === life.injection)?.patienceMs ?? PATIENCE_MS * patience;
  const stories = evidence.calls.map((call) => callStoryOf(call, { lives, blind, patienceOf, patience }));
  const chains = stories.flatMap((story) => story.chains);
  const lost = chains.filter(({ outcome }) => outcome === 'lost');
  const limits = lost.filter(({ unseen }) => unseen).map(asLoss);
  const differences = [
    ...lost.filter(({ unseen }) => !unseen).map(asLoss),
    ...chains.filter(({ outcome }) => outcome === 'recovered').flatMap(asLate),
    ...notSetUp(evidence.calls, { lives, patienceOf, patience }),
    ...stories.flatMap(wrongsOf),
    ...stories.flatMap(unendedOf),
    ...stories.flatMap((story) => ghostsOf(story, evidence.channels)),
    ...lives.flatMap(wrongFence),
    ...auditDifferences(stories, evidence),
    ...evidence.doubts.map((text): Difference => ({ kind: 'doubt', at: 0, call: '', text })),
  ];
  return {
    faults: countFaults(evidence, chains, differences),
    differences,
    limits,
    unsettled: chains.filter(({ outcome }) => outcome === 'unsettled').length,
    hungUp: chains.filter(({ outcome }) => outcome === 'hung-up').length,
  };
}

function asLoss({ at, call, reasons, lives }: Chain): Difference {
  const from = lives.map(({ node }) => node).join(', ');
  return { kind: 'lost', at, call: call.number, text: `${call.kind} on ${from}: ${reasons.join('; ')}` };
}

function asLate({ at, call, lateMs, unseen }: Chain): Difference[] {
  if (lateMs === null || unseen) return [];
  return [
    { kind: 'late', at, call: call.number, text: `${call.kind}: it was back after ${Math.round(lateMs)} ms` },
  ];
}

/** One of each kind for a call, whichever of its phones saw it. */
function wrongsOf({ call, dialogs }: CallStory): Difference[] {
  const first = new Map<string, Difference>();
  for (const { kind, at, text } of dialogs.flatMap(({ wrongs }) => wrongs)) {
    const about: Difference = { kind, at, call: call.number, text: `${call.kind}: ${text}` };
    if (!first.has(kind)) first.set(kind, about);
  }
  return [...first.values()];
}

function unendedOf({ call, endFaults, dialogs }: CallStory): Difference[] {
  if (endFaults.length === 0) return [];
  const byes = dialogs.flatMap(({ phone }) => byeOf(phone)?.at ?? []);
  const at = byes.length === 0 ? Infinity : Math.min(...byes);
  return [
    { kind: 'lost', at, call: call.number, text: `${call.kind}, without a crash: ${endFaults.join('; ')}` },
  ];
}

/** Of a call that went well nothing may be left; where a phone hung up towards a dead node, something may. */
function ghostsOf(
  { call, chains, endFaults, dialogs }: CallStory,
  channels: readonly Channel[],
): Difference[] {
  const ended = dialogs.flatMap(({ phone }) => byeOf(phone)?.answer?.at ?? []);
  const wentWell =
    dialogs.length > 0 &&
    ended.length === dialogs.length &&
    endFaults.length === 0 &&
    chains.every(({ outcome }) => outcome === 'recovered');
  if (!wentWell) return [];
  const ids = dialogs.map(({ phone }) => phone.callId);
  return channels
    .filter(({ sipCallId }) => ids.includes(sipCallId))
    .map(({ node }) => ({
      kind: 'ghost',
      at: Math.max(...ended),
      call: call.number,
      text: `${call.kind}: ${node} still has a channel of it`,
    }));
}

function wrongFence({ node, injection, endedAt }: Life): Difference[] {
  if (injection !== null || endedAt === null) return [];
  return [
    {
      kind: 'wrong-fence',
      at: endedAt,
      call: '',
      text: `the Asterisk of ${node} ended, and no fault was to end it`,
    },
  ];
}

function countFaults(
  { injected, calls, lives }: Evidence,
  chains: readonly Chain[],
  differences: readonly Difference[],
): FaultCount[] {
  const ids = [...new Set(injected.map(({ fault }) => fault))];
  return ids.map((fault) => {
    const own = injected.filter((one) => one.fault === fault);
    const isOwn = (at: number): boolean => own.some((one) => one === causeAt(injected, at));
    const isDeadly = lives.some(({ injection }) => own.some(({ index }) => index === injection));
    const ownChains = chains.filter(({ at }) => isOwn(at));
    const settled = ownChains.filter(({ outcome }) => outcome === 'recovered' || outcome === 'lost');
    const lost = settled.filter(({ outcome }) => outcome === 'lost');
    const count = (kinds: readonly DifferenceKind[]): number =>
      differences.filter(({ kind, at }) => kinds.includes(kind) && isOwn(at)).length;
    return {
      fault,
      injected: own.length,
      atStake: isDeadly ? settled.length : own.reduce((sum, one) => sum + inProgress(calls, one), 0),
      recovered: settled.length - lost.length,
      lost: count(['lost']),
      beyondPromise: lost.filter(({ unseen }) => unseen).length,
      wrongTakeovers: count(WRONG),
      doubled: count(['doubled']),
    };
  });
}

/** The fault that something is put down to: the last that had begun. */
function causeAt(injected: readonly Injected[], at: number): Injected | undefined {
  return injected.filter((one) => one.at <= at).at(-1) ?? injected[0];
}

function inProgress(calls: readonly ObservedCall[], { at, until }: Injected): number {
  return calls.filter((call) =>
    phonesOf(call).some((phone) => {
      const since = establishedAt(phone);
      return since !== null && since <= until && (byeOf(phone)?.at ?? Infinity) >= at;
    }),
  ).length;
}
