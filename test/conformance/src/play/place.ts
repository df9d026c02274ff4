import type { LabInfo } from '@reinvite/lab';
import type { Case } from '../cases/case.js';
import { bracketed, type Place } from '../phone/messages.js';

const FIRST_SIP_PORT = 7_000;
/** Beyond the RTP of the other phones' SIPp; nothing is sent there, the numbers only stand in SDP. */
const FIRST_RTP_PORT = 20_000;
const SIP_PORT = 5_060;
const TLS_PORT = 5_061;
/** How much higher the ports of the lab's strict router are. */
const STRICT = 10;

/** Node that all calls of a crash stand on, and the one of those that the crash does not concern. */
export const NODES = { dying: 'ast1', other: 'ast2' } as const;

/** Where the `index`th phone of a run stands, and what it says to get where its case wants it. */
export function placeOf(info: LabInfo, test: Case, index: number): Place {
  const { transport, proxies } = test.factors;
  const node = test.extras.elsewhere === true ? NODES.other : NODES.dying;
  const first = { none: node, edge: 'edge', two: 'proxy', strict: 'proxy' }[proxies];
  const port = (transport === 'tls' ? TLS_PORT : SIP_PORT) + (proxies === 'strict' ? STRICT : 0);
  return {
    host: addressOf(info, 'phones', test),
    port: FIRST_SIP_PORT + index,
    rtpPort: FIRST_RTP_PORT + 2 * index,
    hop: { host: addressOf(info, first, test), port },
    dialled: `${userOf(test)}-${test.id}`,
    lines: [`X-Lab-Node: ${node}`, `X-Lab-Endpoint: ${endpointOf(test)}`],
  };
}

/** What the node does with a call that comes in. */
function userOf({ factors, extras }: Case): 'early' | 'alert' | 'quiet' {
  if (extras.stage === 'early') return 'early';
  return factors.setup === 'prack' ? 'alert' : 'quiet';
}

/** Asterisk's endpoint for the call; each does what the plain one does as long as nobody asks for more. */
export function endpointOf({ factors, extras }: Case): string {
  const authenticates = factors.digest === 'initial' && factors.phone === 'caller';
  const more = authenticates ? '-auth' : '';
  if (factors.proxies === 'none') return `direct${factors.family === 'ipv6' ? '-6' : ''}${more}`;
  if (extras.opus === true) return 'edge-codecs';
  if (extras.srtp === 'sdes' && extras.trunk === 'tls') return 'edge-tls-srtp';
  if (extras.srtp !== undefined) return `edge-${extras.srtp === 'sdes' ? 'srtp' : 'dtls'}`;
  if (extras.trunk !== undefined) return `edge-${extras.trunk}`;
  return authenticates ? 'edge-auth' : 'edge-hold';
}

/** What Asterisk dials to reach a phone. */
export function dialString(info: LabInfo, test: Case, place: Place): string {
  const { family, transport, proxies } = test.factors;
  const endpoint = `PJSIP/${endpointOf(test)}`;
  if (proxies === 'none') return `${endpoint}/sip:${test.id}@${bracketed(place.host)}:${place.port}`;
  const user = [
    family === 'ipv6' ? 'phone6' : 'phone',
    ...(transport === 'udp' ? [] : [transport]),
    place.port,
  ];
  const via = {
    edge: info.hosts.edge?.address,
    two: info.hosts.proxy?.address,
    strict: `${info.hosts.proxy?.address}:${SIP_PORT + STRICT}`,
  }[proxies];
  return `${endpoint}/sip:${user.join('-')}@${via}`;
}

function addressOf({ hosts }: LabInfo, host: string, { factors }: Case): string {
  const known = hosts[host];
  if (known === undefined) throw new Error(`the lab has no host "${host}"`);
  return factors.family === 'ipv6' ? known.address6 : known.address;
}
