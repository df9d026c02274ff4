import { establishedAt, isTalkingAt, type ObservedRequest, type PhoneCall } from '@reinvite/test-phones';
import { lifeAt, talksAt, type Life } from './evidence.js';

/**
 * Whose a phone's dialog is, told from what the phone saw alone:
 *
 * 1. It belongs to the life that answered or sent its INVITE, until another life's re-INVITE is answered 200.
 * 2. A re-INVITE is right only when the process of the owner is gone. Before that it is a second one for the same death where
 *    the owner has itself got the dialog by a re-INVITE, and a wrong takeover otherwise.
 * 3. It carries the dialog's tags and a CSeq above all that our side has used (RFC 3261 section 12.2.1.1).
 */
export interface DialogStory {
  readonly phone: PhoneCall;
  /** Epoch ms; see `establishedAt`. */
  readonly since: number;
  /** Whose the dialog was in the end; undefined where the phone was not told. */
  readonly owner: Life | undefined;
  readonly losses: readonly Loss[];
  readonly wrongs: readonly Wrong[];
}

/** The owner died while the phone was talking. */
export interface Loss {
  readonly life: Life;
  /** When the owner spoke its last. */
  readonly at: number;
  /** The re-INVITE that brought it back: answered 200. */
  readonly back: ObservedRequest | null;
  /** The life that sent it. */
  readonly heir: Life | null;
}

/** A request that should not have come, or not so. */
export interface Wrong {
  readonly kind: 'doubled' | 'wrong-takeover' | 'malformed';
  readonly at: number;
  readonly text: string;
}

/** Pure. Undefined where the phone was never in a call. */
export function storyOf(phone: PhoneCall, lives: readonly Life[]): DialogStory | undefined {
  const since = establishedAt(phone);
  if (since === null) return undefined;
  let owner = lifeAt(lives, phone.invite.node, since);
  let inherited = false;
  const losses: Loss[] = [];
  const wrongs: Wrong[] = [];
  for (const request of reinvitesOf(phone, since)) {
    wrongs.push(...shapeFaults(phone, request));
    const sender = lifeAt(lives, request.node, request.at);
    if (sender === undefined || !talksAt(sender, request.at))
      wrongs.push(malformed(request, `it came from ${request.node || 'nobody'}, which was dead`));
    if (owner !== undefined && !isGone(owner, request.at)) wrongs.push(untimely(owner, inherited, request));
    if (request.answer?.status !== 200) continue;
    if (owner !== undefined && isLossFor(phone, owner, request.at))
      losses.push({ life: owner, at: owner.silentAt, back: request, heir: sender ?? null });
    owner = sender;
    inherited = true;
  }
  if (owner !== undefined && isLossFor(phone, owner, Infinity))
    losses.push({ life: owner, at: owner.silentAt, back: null, heir: null });
  return { phone, since, owner, losses, wrongs };
}

/** re-INVITEs of the network inside the dialog. */
function reinvitesOf(phone: PhoneCall, since: number): ObservedRequest[] {
  return phone.requests.filter(
    ({ method, by, at }) => method === 'INVITE' && by === 'network' && at >= since,
  );
}

function isGone({ endedAt }: Life, at: number): boolean {
  return endedAt !== null && endedAt <= at;
}

/** The life fell silent, before the given moment, while the phone was talking through it. */
function isLossFor(phone: PhoneCall, life: Life, before: number): life is Life & { silentAt: number } {
  return life.silentAt !== null && life.silentAt < before && isTalkingAt(phone, life.silentAt);
}

function untimely(owner: Life, inherited: boolean, request: ObservedRequest): Wrong {
  const who = `${request.node || 'somebody'} sent a re-INVITE while the Asterisk of ${owner.node}`;
  if (inherited)
    return {
      kind: 'doubled',
      at: request.at,
      text: `${who}, which had taken the dialog over already, was alive`,
    };
  const was = owner.silentAt !== null && owner.silentAt <= request.at ? 'was not gone yet' : 'was alive';
  return { kind: 'wrong-takeover', at: request.at, text: `${who} ${was}` };
}

function shapeFaults(phone: PhoneCall, request: ObservedRequest): Wrong[] {
  const faults: Wrong[] = [];
  if (request.fromTag !== phone.remoteTag || request.toTag !== phone.localTag)
    faults.push(malformed(request, 'it has other tags'));
  const used = [phone.invite, ...phone.requests]
    .filter((one) => one.by === 'network' && one.at < request.at)
    .map(({ cseq }) => cseq);
  const highest = Math.max(0, ...used);
  if (request.cseq <= highest)
    faults.push(malformed(request, `its CSeq ${request.cseq} is not above ${highest}`));
  return faults;
}

function malformed(request: ObservedRequest, text: string): Wrong {
  return { kind: 'malformed', at: request.at, text: `re-INVITE ${request.cseq}: ${text}` };
}
