/** Configuration of one baresip (version 1.1, that of Debian). Pure. */

export interface BaresipSettings {
  /** User of the lab's edge, and name of the phone. */
  readonly user: string;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** `srtp` with keys in the SDP (RFC 4568), `dtls` with DTLS-SRTP (RFC 5763); either is insisted on. */
  readonly media: 'rtp' | 'srtp' | 'dtls';
  /**
   * What writes down what the phone hears. `filter` (module `sndfile`) is the one to take, but it hears nothing after a hold:
   * baresip 1.1 takes the filters off and does not put them back. `player` (module `aufile`) is freed under its own thread
   * where it is stopped before that runs, and baresip crashes.
   */
  readonly recorder: 'filter' | 'player';
  /** Addresses of the phones' host and of the edge. */
  readonly own: string;
  readonly edge: string;
  /** Ports of the phones' host: SIP, control, and first and last of RTP. */
  readonly ports: { readonly sip: number; readonly control: number; readonly rtp: readonly [number, number] };
}

const MEDIA_ENCRYPTION = { rtp: '', srtp: ';mediaenc=srtp-mand', dtls: ';mediaenc=dtls_srtp' } as const;
const MODULES = ['g711', 'aufile', 'aubridge', 'sndfile', 'srtp', 'dtls_srtp'];
const APPLICATION_MODULES = ['account', 'menu', 'ctrl_tcp'];

/** Directory of the phone on its host. */
export function homeOf({ user }: Pick<BaresipSettings, 'user'>): string {
  return `/root/baresip-${user}`;
}

export function configFile(settings: BaresipSettings): string {
  const { own, ports } = settings;
  const home = homeOf(settings);
  return [
    'module_path /usr/lib/baresip/modules',
    ...MODULES.map((name) => `module ${name}.so`),
    ...APPLICATION_MODULES.map((name) => `module_app ${name}.so`),
    `ctrl_tcp_listen ${own}:${ports.control}`,
    `audio_source aufile,${home}/voice.wav`,
    // Nobody listens at the other end of these bridges.
    'audio_player aubridge,ear',
    'audio_alert aubridge,bell',
    `snd_path ${home}`,
    `sip_listen ${own}:${ports.sip}`,
    `sip_certificate ${home}/certificate.pem`,
    'sip_cafile /lab/tls/ca.pem',
    'sip_verify_server yes',
    'net_interface eth0',
    `rtp_ports ${ports.rtp[0]}-${ports.rtp[1]}`,
    '',
  ].join('\n');
}

/** The account: registered at the edge, which is its outbound proxy too. */
export function accountLine(settings: BaresipSettings): string {
  const { user, transport, media, edge, recorder } = settings;
  const address = `${edge}${transport === 'tls' ? ':5061' : ''};transport=${transport}`;
  const player = recorder === 'player' ? `;audio_player=aufile,${homeOf(settings)}/heard.wav` : '';
  return (
    `<sip:${user}@${edge};transport=${transport}>;auth_pass=${user};regint=600;outbound="sip:${address}"` +
    `;audio_codecs=pcmu${player}${MEDIA_ENCRYPTION[media]}`
  );
}
