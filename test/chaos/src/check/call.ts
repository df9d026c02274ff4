import { byeOf, phonesOf, type ObservedCall } from '@reinvite/test-phones';
import { storyOf, type DialogStory, type Loss } from './dialog.js';
import type { Blindness, Life } from './evidence.js';

/** A call that was answered so shortly before the death may not be known yet to anybody but its Asterisk. */
const SETTLE_MS = 1_000;
/** A BYE that its owner may not have lived to answer. */
const LAST_BREATH_MS = 1_000;
/** A node that has just started is called before its applications are there. */
export const SETTLING_MS = 4_000;
const AT_ONCE_MS = 1_000;

/** One death, or several of which the later ones came before the call was back, and what it did to one call. */
export interface Chain {
  readonly call: ObservedCall;
  readonly lives: readonly Life[];
  readonly at: number;
  /**
   * `unsettled`: not all of its phones were talking for a second; `hung-up`: one of them hung up before the call was back.
   * Both are no losses, whatever became of them.
   */
  readonly outcome: 'recovered' | 'lost' | 'unsettled' | 'hung-up';
  /** Every phone has answered another node's re-INVITE, whatever came later. */
  readonly cameBack: boolean;
  /** It was whole when its node died: its recovery must stand in the audit, even where a phone hung up before it was called back. */
  readonly wasWhole: boolean;
  /** ms from the death until the last of its phones was back, where that was longer than phones are patient; null otherwise. */
  readonly lateMs: number | null;
  /** Why it is lost. */
  readonly reasons: readonly string[];
  /** Some of its SIP was not captured: nobody could know it all. */
  readonly unseen: boolean;
}

/** What became of one call over a whole run. */
export interface CallStory {
  readonly call: ObservedCall;
  readonly dialogs: readonly DialogStory[];
  readonly chains: readonly Chain[];
  /** What was wrong with the end of a call that no death touched. */
  readonly endFaults: readonly string[];
}

/** How the checker sees a run. */
export interface Frame {
  readonly lives: readonly Life[];
  readonly blind: readonly Blindness[];
  /** How long phones wait for the call to come back after the death of a life, in ms. */
  readonly patienceOf: (life: Life) => number;
  /** How many times longer than usual a call may take to be known. */
  readonly patience: number;
}

/** Pure. */
export function callStoryOf(call: ObservedCall, frame: Frame): CallStory {
  const dialogs = phonesOf(call).flatMap((phone) => storyOf(phone, frame.lives) ?? []);
  const isWhole = dialogs.length === phonesWanted(call);
  const ends = isWhole ? endFaultsOf(dialogs) : [];
  const groups = chained(dialogs);
  const chains = groups.map((losses, index) =>
    chainOf(call, dialogs, losses, index === groups.length - 1 ? ends : [], frame),
  );
  return { call, dialogs, chains, endFaults: chains.length === 0 ? ends : [] };
}

interface PhoneLoss extends Loss {
  readonly dialog: DialogStory;
}

/** Losses in the order of time, those together of which the later came before everybody was back from the earlier. */
function chained(dialogs: readonly DialogStory[]): PhoneLoss[][] {
  const all = dialogs
    .flatMap((dialog) => dialog.losses.map((loss): PhoneLoss => ({ ...loss, dialog })))
    .sort((one, other) => one.at - other.at);
  const chains: PhoneLoss[][] = [];
  for (const loss of all) {
    const last = chains.at(-1);
    if (last?.some((earlier) => isOpenAt(earlier, loss)) === true) last.push(loss);
    else chains.push([loss]);
  }
  return chains;
}

function isOpenAt({ life, back, heir }: PhoneLoss, next: PhoneLoss): boolean {
  if (life === next.life) return true;
  return back === null || back.at > next.at || (back.ackedAt === null && heir === next.life);
}

function chainOf(
  call: ObservedCall,
  dialogs: readonly DialogStory[],
  losses: readonly PhoneLoss[],
  ends: readonly string[],
  frame: Frame,
): Chain {
  const lives = [...new Set(losses.map(({ life }) => life))];
  const at = Math.min(...losses.map((loss) => loss.at));
  const last = dialogs.map((dialog) => ({
    dialog,
    loss: losses.filter((loss) => loss.dialog === dialog).at(-1),
  }));
  const faults = last.flatMap(({ dialog, loss }) =>
    backFaults(loss).map((fault) => `${dialog.phone.role}: ${fault}`),
  );
  const heirs = new Set(last.flatMap(({ loss }) => loss?.heir?.node ?? []));
  if (heirs.size > 1) faults.push('its phones are on different nodes');
  const wrong = dialogs.flatMap(({ wrongs }) =>
    wrongs.filter((one) => one.kind === 'malformed' && one.at >= at).map(({ text }) => text),
  );
  const patience = Math.max(...lives.map(frame.patienceOf));
  const until = Math.max(...losses.map((loss) => loss.at)) + patience;
  const reasons = [...faults, ...wrong, ...ends];
  const settled = isSettled(call, dialogs, at - SETTLE_MS * frame.patience);
  const outcome = (): Chain['outcome'] => {
    if (!settled) return 'unsettled';
    if (hungUpMeanwhile(last, at, until)) return 'hung-up';
    return reasons.length === 0 ? 'recovered' : 'lost';
  };
  return {
    call,
    lives,
    at,
    outcome: outcome(),
    cameBack: faults.length === 0,
    wasWhole: settled && !dialogs.some(({ phone }) => (byeOf(phone)?.at ?? Infinity) <= at),
    lateMs: lateness(
      last.map(({ loss }) => loss),
      until,
      at,
    ),
    reasons,
    unseen: dialogs.some(({ phone }) => wasUnseen(phone, frame.blind, at)),
  };
}

function backFaults(loss: PhoneLoss | undefined): string[] {
  if (loss === undefined) return ['it was on another node'];
  const { back, dialog, at } = loss;
  if (back !== null) return back.ackedAt === null ? ['its 200 got no ACK'] : [];
  const refused = dialog.phone.requests.filter(
    (one) => one.method === 'INVITE' && one.by === 'network' && one.at >= at,
  );
  if (refused.length === 0) return ['no re-INVITE came'];
  return [`re-INVITE answered ${refused.map(({ answer }) => answer?.status ?? 'nothing').join(', ')}`];
}

/** ms until the last phone was back, if that was after the time is over; see `Chain.lateMs`. */
function lateness(losses: readonly (PhoneLoss | undefined)[], until: number, at: number): number | null {
  const last = Math.max(...losses.map((loss) => loss?.back?.answer?.at ?? -Infinity));
  return last > until ? last - at : null;
}

/** Phones that are in the call once it is set up. */
export function phonesWanted({ kind }: ObservedCall): number {
  return kind === 'app' ? 1 : 2;
}

/** All of its phones were talking at that time. */
function isSettled(call: ObservedCall, dialogs: readonly DialogStory[], at: number): boolean {
  return dialogs.length === phonesWanted(call) && dialogs.every(({ since }) => since <= at);
}

/** A phone of the call had hung up before the death, or did by itself before it was called back. */
function hungUpMeanwhile(
  phones: readonly { readonly dialog: DialogStory; readonly loss: PhoneLoss | undefined }[],
  at: number,
  until: number,
): boolean {
  return phones.some(({ dialog, loss }) => {
    const bye = byeOf(dialog.phone);
    if (bye === undefined) return false;
    if (bye.at <= at) return true;
    const backAt = loss?.back?.answer?.at ?? Infinity;
    return bye.by === 'phone' && bye.at < Math.min(backAt, until);
  });
}

/** Answered by the dialplan of a node that has just started, and ended again because the application is not there yet. */
function wasUnserved({ owner, since, phone }: DialogStory): boolean {
  const bye = byeOf(phone);
  if (owner === undefined || bye?.by !== 'network') return false;
  return since - owner.startedAt < SETTLING_MS && bye.at - since < AT_ONCE_MS;
}

/** A call ends by the BYE of a phone of it; each BYE is answered 200, and the other phone is hung up. */
function endFaultsOf(dialogs: readonly DialogStory[]): string[] {
  const byes = dialogs.map((dialog) => ({ dialog, bye: byeOf(dialog.phone) }));
  const first = Math.min(...byes.flatMap(({ bye }) => (bye?.by === 'phone' ? [bye.at] : [])));
  return byes.flatMap(({ dialog, bye }) => {
    const { owner, phone } = dialog;
    const died = owner?.silentAt ?? Infinity;
    if (died < (bye?.at ?? Infinity) + LAST_BREATH_MS) return [];
    if (bye === undefined) return [`${phone.role}: has not ended`];
    if (wasUnserved(dialog)) return [];
    if (bye.by === 'network' && bye.at < first) return [`${phone.role}: was hung up, and nobody had hung up`];
    return bye.answer?.status === 200
      ? []
      : [`${phone.role}: its BYE was answered ${bye.answer?.status ?? 'nothing'}`];
  });
}

function wasUnseen(phone: ObservedCall['caller'], blind: readonly Blindness[], before: number): boolean {
  const times = [phone.invite, ...phone.requests].flatMap(({ at, answer, ackedAt }) =>
    [at, answer?.at, ackedAt].filter((time): time is number => typeof time === 'number' && time <= before),
  );
  return times.some((time) => blind.some(({ from, to }) => from <= time && time <= to));
}
