import type { NameAddress } from '@reinvite/sip';
import type { Case } from '../cases/case.js';
import type { Hosts, Witness } from '../play/witness.js';
import type { Sdp, Stream } from './sdp.js';
import { readSdp } from './sdp.js';
import type { Address, Dialog, TracedRequest } from './seen.js';

type Check = (about: About) => string[];

interface About {
  readonly test: Case;
  readonly hosts: Hosts;
  readonly dead: string;
  /** The dialog as it was when the re-INVITE arrived. */
  readonly dialog: Dialog;
  readonly reinvite: TracedRequest;
}

/** What is wrong with a recovering re-INVITE, seen from the phone; empty where it fits the dialog in everything. */
export function faultsOfReinvite(
  { test, hosts }: Witness,
  dead: string,
  dialog: Dialog,
  reinvite: TracedRequest,
): string[] {
  return CHECKS.flatMap((check) => check({ test, hosts, dead, dialog, reinvite }));
}

/** RFC 3261 section 12.2.1.1: From, To, Call-ID and CSeq of a request inside a dialog. */
const identity: Check = ({ test, dialog, reinvite: { message } }) => [
  ...differs('its From tag', message.fromTag, dialog.ours.tag),
  ...differs('its To tag', message.toTag, dialog.phone.tag),
  ...differs('its Call-ID', message.callId, dialog.callId),
  ...differs('its From', written(message.from), written(dialog.ours)),
  ...differs('its To', written(message.to), written(dialog.phone)),
  ...(message.cseq.number > dialog.ourCseq
    ? []
    : [`its CSeq ${message.cseq.number} is not above ${dialog.ourCseq}`]),
  ...(test.extras.phoneCseq !== undefined && message.cseq.number >= test.extras.phoneCseq
    ? [`its CSeq ${message.cseq.number} is of the phone's number space`]
    : []),
];

/** The remote target, refreshed; what the edge added to it for its own use does not count. */
const target: Check = ({ dialog, reinvite: { message } }) =>
  differs('its Request-URI', plainUri(message.requestUri), plainUri(dialog.contact));

/** The way: the transport that the phone uses, every proxy of the route set, and Asterisk's own Via, fresh and of a living node. */
const way: Check = ({ test, hosts, dead, dialog, reinvite: { message, transport } }) => {
  const chain = message.vias.map(({ sentBy }) => whoIs(hosts, hostOf(sentBy)));
  const own = message.vias.at(-1);
  const node = chain.at(-1) ?? '';
  const wanted = { none: [], edge: ['edge'], two: ['proxy', 'edge'], strict: ['proxy', 'edge'] }[
    test.factors.proxies
  ];
  const trunk = test.factors.proxies === 'none' ? test.factors.transport : trunkOf(test);
  return [
    ...differs('its transport', transport, dialog.transport),
    ...differs('the proxies on its way', chain.slice(0, -1).join(' '), wanted.join(' ')),
    ...(hosts.nodes.has(node) ? [] : [`its lowest Via is of ${own?.sentBy ?? 'nobody'}, which is no node`]),
    ...(chain.includes(dead) ? [`it has a Via of ${dead}, which is dead`] : []),
    ...differs('the transport of its lowest Via', own?.transport ?? '', trunk),
    ...message.vias
      .filter(({ params }) => dialog.branches.has(params.get('branch') ?? ''))
      .map(({ sentBy }) => `the branch of its Via of ${sentBy} was used before`),
    ...message.recordRoutes
      .filter((route) => hosts.nodes.has(whoIs(hosts, hostOf(uriHost(route)))))
      .map((route) => `a node has put itself into its Record-Route: ${route}`),
    ...(message.contacts.some(({ uri }) => whoIs(hosts, hostOf(uriHost(uri))) === node)
      ? []
      : [`its Contact is not of ${node}`]),
  ];
};

/** RFC 3264 section 8: the same session, one version on; every stream as it was. */
const offer: Check = ({ dialog, reinvite: { message } }) => {
  const offered = readSdp(message.body);
  const before = dialog.ourSdp;
  if (before === undefined) return [];
  if (offered === undefined) return ['it has no offer'];
  return [
    ...differs('the session id of its offer', offered.sessionId, before.sessionId),
    ...(offered.version > before.version
      ? []
      : [`the version of its offer, ${offered.version}, is not above ${before.version}`]),
    ...differs('the number of its streams', offered.streams.length, before.streams.length),
    ...offered.streams.flatMap((stream, index) =>
      streamFaults(stream, before.streams[index], dialog.phoneSdp, index),
    ),
  ];
};

function streamFaults(
  now: Stream,
  before: Stream | undefined,
  phone: Sdp | undefined,
  index: number,
): string[] {
  if (before === undefined) return [];
  if (before.port === 0) return now.port === 0 ? [] : [`it offers ${now.kind} again, which had been refused`];
  const inUse = phone?.streams[index];
  const shared = before.formats.find((format) => inUse?.formats.includes(format) ?? true) ?? '';
  const moved = [...now.codecs].filter(([format, codec]) => {
    const was = before.codecs.get(format);
    return was !== undefined && was.toLowerCase() !== codec.toLowerCase();
  });
  return [
    ...differs('the direction that it offers', now.direction, before.direction),
    ...differs(
      'the codec that it offers first',
      now.codecs.get(now.formats[0] ?? ''),
      before.codecs.get(shared),
    ),
    ...differs('the payload type that it offers first', now.formats[0], shared),
    ...moved.map(([format, codec]) => `payload type ${format} is ${codec} now`),
    ...differs('the profile of its stream', now.profile, before.profile),
    ...(before.suites.length === 0
      ? []
      : differs('the suite of its first key', now.suites[0], before.suites[0])),
    ...(before.fingerprint && !now.fingerprint ? ['it has no fingerprint'] : []),
    ...(before.fingerprint && !['actpass', before.setup].includes(now.setup)
      ? [`its DTLS role is ${now.setup}, and was ${before.setup}`]
      : []),
  ];
}

/** RFC 4028 section 7.4: the interval goes on, and so does the refresher, who is named from the re-INVITE's point of view. */
const timer: Check = ({ dialog, reinvite: { message } }) => {
  if (dialog.timer === null) return [];
  if (message.sessionExpires === null) return ['it has no Session-Expires'];
  const { seconds, refresher } = message.sessionExpires;
  return [
    ...differs('its Session-Expires', seconds, dialog.timer.seconds),
    ...differs('its refresher', refresher, dialog.timer.refresher === 'us' ? 'uac' : 'uas'),
  ];
};

const CHECKS: readonly Check[] = [identity, target, way, offer, timer];

function trunkOf({ extras }: Case): string {
  return extras.trunk === 'tcp' || extras.trunk === 'tls' ? extras.trunk : 'udp';
}

function written({ displayName, uri }: Address | NameAddress): string {
  return `"${displayName}" <${uri}>`;
}

/** Without the parameter by which the edge finds a phone behind NAT. */
function plainUri(uri: string): string {
  return uri.replace(/;alias=[^;>]*/, '');
}

function whoIs(hosts: Hosts, address: string): string {
  if (hosts.edge.includes(address)) return 'edge';
  if (hosts.proxy.includes(address)) return 'proxy';
  return [...hosts.nodes].find(([, addresses]) => addresses.includes(address))?.[0] ?? address;
}

/** `host`, `host:port`, `[v6]`, `[v6]:port` → the bare address. */
function hostOf(sentBy: string): string {
  return /^\[([^\]]*)\]/.exec(sentBy)?.[1] ?? sentBy.replace(/:\d+$/, '');
}

function uriHost(uri: string): string {
  return /sips?:(?:[^@>]*@)?([^;>?]*)/.exec(uri)?.[1] ?? '';
}

function differs(what: string, is: unknown, was: unknown): string[] {
  return is === was ? [] : [`${what} is ${String(is)}, not ${String(was)}`];
}
