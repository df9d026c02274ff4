/** A `name-addr` or `addr-spec` with its header parameters (RFC 3261 section 20.10). */
export interface NameAddress {
  /** Without its quotes, escapes resolved; empty where none was given. */
  readonly displayName: string;
  /** As it stood on the wire, without `<` and `>`. */
  readonly uri: string;
  /** Header parameters by lower-case name, quotes kept; empty for one without a value. */
  readonly params: ReadonlyMap<string, string>;
}

/** One Via value (RFC 3261 section 20.42). */
export interface Via {
  /** Lower case: `udp`, `tcp`, `tls`, `ws`, `wss`, … */
  readonly transport: string;
  /** Host and port as written. */
  readonly sentBy: string;
  readonly params: ReadonlyMap<string, string>;
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

interface Head {
  readonly callId: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  /** Tag of From, of To; empty where there is none. */
  readonly fromTag: string;
  readonly toTag: string;
  readonly cseq: CSeq;
  /** Topmost first. */
  readonly vias: readonly Via[];
  /** Empty for `Contact: *`. */
  readonly contacts: readonly NameAddress[];
  /** Record-Route values in the order of the message, each as written: `<sip:proxy;lr>`. */
  readonly recordRoutes: readonly string[];
  /** Route values in the order of the message, each as written. */
  readonly routes: readonly string[];
  /** Session-Expires in seconds, where present and well formed (RFC 4028). */
  readonly sessionExpires: { readonly seconds: number; readonly refresher: 'uac' | 'uas' | null } | null;
  /** Every header, unfolded, by lower-case long name, in the order of the message. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

export interface SipRequest extends Head {
  readonly kind: 'request';
  readonly method: string;
  readonly requestUri: string;
}

export interface SipResponse extends Head {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
}

export type SipMessage = SipRequest | SipResponse;
