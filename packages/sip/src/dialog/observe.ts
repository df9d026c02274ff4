import type { NameAddress, SipMessage, SipRequest, SipResponse } from '../message/message.js';
import type { Party } from './dialog.js';
import type { Evidence, Refresh, Timer } from './evidence.js';
import { exchangesIn } from './exchange.js';
import { updatesIn } from './update.js';

/** A SIP message as captured at a node. */
export interface Observed {
  /** As the Asterisk saw it. */
  readonly direction: 'sent' | 'received';
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly nodeId: string;
  readonly message: SipMessage;
}

/** What one message shows of one dialog or invitation. */
export interface Contribution {
  readonly evidence: Evidence;
  /** False for what is of use only if the dialog is known already. */
  readonly creates: boolean;
}

/**
 * Requests that only exist inside an INVITE's dialog (INFO: RFC 6086 section 4). ACK is not among them: that of a refused
 * INVITE has both tags too.
 */
const DIALOG_METHODS: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'BYE', 'PRACK', 'INFO']);
/** Target refresh requests (RFC 3261 section 12.2, RFC 3311). */
const REFRESHING: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);
/** Requests whose 481 or 408 ends the dialog (RFC 3261 section 12.2.1.2); that of a NOTIFY or REFER ends a subscription (RFC 5057). */
const ENDING_IF_GONE: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'BYE', 'PRACK', 'INFO']);

/** What a message shows, of which dialogs; nothing for messages outside of INVITE dialogs. */
export function contributionsOf(observed: Observed): Contribution[] {
  const { message } = observed;
  return message.kind === 'request' ? ofRequest(observed, message) : ofResponse(observed, message);
}

function ofRequest(observed: Observed, request: SipRequest): Contribution[] {
  // The CSeq of an ACK or CANCEL is that of its INVITE (RFC 3261 sections 9.1 and 13.2.2.4): nothing is used up by it.
  if (request.method === 'ACK') return ofAck(observed, request);
  if (request.method === 'CANCEL')
    return request.toTag === '' ? [{ evidence: refusal(observed), creates: true }] : [];
  if (request.toTag !== '') {
    return [{ evidence: inDialogRequest(observed, request), creates: DIALOG_METHODS.has(request.method) }];
  }
  return request.method === 'INVITE' ? [{ evidence: invitation(observed, request), creates: true }] : [];
}

/** Only the ACK of a 2xx carries a session, and with it shows that there was one. */
function ofAck(observed: Observed, request: SipRequest): Contribution[] {
  if (request.toTag === '') return [];
  const { by, at } = readingOf(observed);
  const exchanges = exchangesIn(request, by, at);
  if (exchanges.length === 0) return [];
  const evidence = { ...baseOf(observed, true), exchanges, confirmedAt: at };
  return [{ evidence, creates: true }];
}

function ofResponse(observed: Observed, response: SipResponse): Contribution[] {
  const isInvite = response.cseq.method === 'INVITE';
  const tagged = response.fromTag !== '' && response.toTag !== '';
  if (response.status < 300) {
    if (!tagged || response.status === 100) return [];
    return [{ evidence: positive(observed, response), creates: DIALOG_METHODS.has(response.cseq.method) }];
  }
  const contributions: Contribution[] = [];
  if (isInvite) contributions.push({ evidence: refusal(observed), creates: true });
  // The tag in the refusal of an INVITE need not be that of any dialog; that of a 481 of ours is of none that lives.
  const isDenial = response.status === 481 && observed.direction === 'sent';
  const creates = (!isInvite || isDenial) && DIALOG_METHODS.has(response.cseq.method);
  if (tagged) contributions.push({ evidence: negative(observed, response), creates });
  return contributions;
}

function invitation(observed: Observed, request: SipRequest): Evidence {
  const base = baseOf(observed, false);
  const { by, cseq, at, nodeId, local, remote, contact } = readingOf(observed);
  return {
    ...base,
    invite: {
      by,
      cseq,
      at,
      nodeId,
      local,
      remote,
      recordRoutes: by === 'remote' ? [...request.recordRoutes] : [],
    },
    refreshes: [askedBy(observed)],
    exchanges: exchangesIn(request, by, at),
    localContact: by === 'local' && contact !== null ? { at, uri: contact } : null,
  };
}

/** A request of the peer says itself what the remote target is to be; one of ours leaves that to the answer. */
function askedBy(observed: Observed): Refresh {
  const { by, cseq, at, contact } = readingOf(observed);
  const isTheirs = by === 'remote';
  return {
    by,
    cseq,
    outcome: 'open',
    contact: { final: isTheirs, at, uri: isTheirs ? (contact ?? '') : '' },
  };
}

function inDialogRequest(observed: Observed, request: SipRequest): Evidence {
  const base = baseOf(observed, true);
  const { by, cseq, at, contact } = readingOf(observed);
  const refreshing = REFRESHING.has(request.method);
  return {
    ...base,
    confirmedAt: request.method === 'INVITE' ? at : null,
    terminatedAt: request.method === 'BYE' ? at : null,
    ownRequest:
      by === 'local' ? { cseq, at, routes: [...request.routes], requestUri: request.requestUri } : null,
    refreshes: refreshing ? [askedBy(observed)] : [],
    exchanges: exchangesIn(request, by, at),
    updates: updatesIn(request, by),
    localContact: by === 'local' && refreshing && contact !== null ? { at, uri: contact } : null,
  };
}

/** A provisional or 2xx answer with both tags. */
function positive(observed: Observed, response: SipResponse): Evidence {
  const base = baseOf(observed, true);
  const { by, cseq, at, local, remote, contact } = readingOf(observed);
  const final = response.status >= 200;
  const isInvite = response.cseq.method === 'INVITE';
  const refreshing = REFRESHING.has(response.cseq.method);
  const isBye = response.cseq.method === 'BYE';
  const answer = { cseq, at, final, local, remote, recordRoutes: [...response.recordRoutes] };
  const timer = refreshing && final ? timerIn(observed, response) : null;
  return {
    ...base,
    speaker: { ...base.speaker, spoke: true },
    confirmedAt: isInvite && final ? at : null,
    terminatedAt: isBye ? at : null,
    aliveAt: final && !isBye ? at : null,
    // RFC 6228: the fork that this early dialog belongs to is over.
    passedOverAt: isInvite && response.status === 199 ? at : null,
    exchanges: exchangesIn(response, by, at),
    timers: { local: by === 'local' ? timer : null, remote: by === 'remote' ? timer : null },
    answers: {
      local: isInvite && by === 'local' ? answer : null,
      remote: isInvite && by === 'remote' ? answer : null,
    },
    refreshes: refreshing ? positiveRefresh(observed, final) : [],
    localContact: refreshing && by === 'remote' && contact !== null ? { at, uri: contact } : null,
  };
}

/** The answer decides; one that forgets to name the refresher means the side that asked, as pjsip takes it. */
function timerIn(observed: Observed, { sessionExpires }: SipResponse): Timer {
  const { cseq, at } = readingOf(observed);
  return { cseq, at, seconds: sessionExpires?.seconds ?? 0, refresher: sessionExpires?.refresher ?? 'uac' };
}

/** Our answer accepts what the peer's request asked for; the peer's answer brings its Contact with it. */
function positiveRefresh(observed: Observed, final: boolean): Refresh[] {
  const { by, cseq, at, contact } = readingOf(observed);
  if (by === 'local') {
    const outcome = final ? 'accepted' : 'open';
    if (contact === null) return final ? [{ by, cseq, outcome, contact: { final, at, uri: '' } }] : [];
    return [{ by, cseq, outcome, contact: { final, at, uri: contact } }];
  }
  return final ? [{ by, cseq, outcome: 'accepted', contact: null }] : [];
}

/** What an answer of 300 and above shows of the dialog in which the request was sent. */
function negative(observed: Observed, response: SipResponse): Evidence {
  const base = baseOf(observed, true);
  const { by, cseq, at, nodeId } = readingOf(observed);
  const { status } = response;
  const { method } = response.cseq;
  const gone = (status === 481 || (by === 'local' && status === 408)) && ENDING_IF_GONE.has(method);
  return {
    ...base,
    terminatedAt: gone && by === 'local' ? at : null,
    denials: gone && by === 'remote' ? { [nodeId]: at } : {},
    exchanges: exchangesIn(response, by, at),
    updates: updatesIn(response, by),
    digestChallenged: by === 'local' && isChallenge(status),
    refreshes: REFRESHING.has(method) ? [{ by, cseq, outcome: 'refused', contact: null }] : [],
  };
}

/** What a CANCEL, or an answer of 300 and above to an INVITE, shows of the invitation. */
function refusal(observed: Observed): Evidence {
  const { message, at, nodeId } = observed;
  const { by } = readingOf(observed);
  const challenged = message.kind === 'response' && isChallenge(message.status);
  return {
    ...baseOf(observed, false),
    refusals: { [nodeId]: { cseq: message.cseq.number, at } },
    // Of a CANCEL the answer to the INVITE is still to come. What one node refuses another may accept, save a challenge.
    exchanges:
      message.kind === 'response'
        ? exchangesIn(message, by, at).map((one) => ({ ...one, spent: challenged }))
        : [],
    digestChallenged: by === 'local' && challenged,
  };
}

function isChallenge(status: number): boolean {
  return status === 401 || status === 407;
}

/** The message from our side: whose transaction it is of, and who is who. */
function readingOf({ direction, message, at, nodeId }: Observed) {
  const by: 'local' | 'remote' = (message.kind === 'request') === (direction === 'sent') ? 'local' : 'remote';
  const [ours, theirs] = by === 'local' ? [message.from, message.to] : [message.to, message.from];
  const [localTag, remoteTag] =
    by === 'local' ? [message.fromTag, message.toTag] : [message.toTag, message.fromTag];
  const contact = message.contacts[0]?.uri ?? null;
  return {
    by,
    cseq: message.cseq.number,
    at,
    nodeId,
    local: party(ours),
    remote: party(theirs),
    localTag,
    remoteTag,
    contact,
  };
}

/**
 * What every message shows.
 * @param ofDialog false for the invitation, which is known by the tag of the side that sent the INVITE alone.
 */
function baseOf(observed: Observed, ofDialog: boolean): Evidence {
  const { by, cseq, at, nodeId, local, remote, localTag, remoteTag } = readingOf(observed);
  return {
    callId: observed.message.callId,
    localTag: ofDialog || by === 'local' ? localTag : '',
    remoteTag: ofDialog || by === 'remote' ? remoteTag : '',
    firstAt: at,
    lastAt: at,
    localCSeq: by === 'local' ? cseq : 0,
    remoteCSeq: by === 'remote' ? cseq : 0,
    invite: null,
    answers: { local: null, remote: null },
    parties: ofDialog ? { at, local, remote } : null,
    ownRequest: null,
    refreshes: [],
    exchanges: [],
    updates: [],
    timers: { local: null, remote: null },
    confirmedAt: null,
    terminatedAt: null,
    refusals: {},
    denials: {},
    aliveAt: null,
    passedOverAt: null,
    speaker: { cseq: by === 'local' ? cseq : 0, spoke: by === 'local', at, nodeId },
    localContact: null,
    // The topmost Via is that of the hop between Asterisk and its peer, whoever sent the request.
    transport: { at, name: observed.message.vias[0]?.transport ?? '' },
    digestChallenged: false,
  };
}

function party({ displayName, uri }: NameAddress): Party {
  return { displayName, uri };
}
