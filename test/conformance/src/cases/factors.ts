/** What can differ between two calls when their node dies, as far as the dialog is concerned. */

/** One call's place in the matrix. */
export interface Factors {
  /** Who sent the INVITE: `caller` is a phone that called in, `callee` one that Asterisk called. */
  readonly phone: 'caller' | 'callee';
  /** How the phone talks with its first hop. */
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** Proxies between the phone and Asterisk: `none`, the `edge`, a second one (`two`), and a second one that routes strictly. */
  readonly proxies: 'none' | 'edge' | 'two' | 'strict';
  /**
   * Held by `us` (our re-INVITE with `sendonly`), by the phone (`phone`: its re-INVITE with `sendonly`; `phone-inactive`: with
   * `inactive`), or one-way from the first offer on (`sendonly`, said by the phone).
   */
  readonly hold: 'none' | 'us' | 'phone' | 'phone-inactive' | 'sendonly';
  /** How the phone moved its Contact after the call had begun (RFC 3261 section 12.2, RFC 3311). */
  readonly refresh: 'none' | 're-invite' | 'update';
  /** Which INVITE had to be sent twice because of a digest challenge: the first, or the one that recovers. */
  readonly digest: 'none' | 'initial' | 're-invite';
  /** Session timer (RFC 4028), and which side refreshes. */
  readonly timer: 'none' | 'us' | 'phone';
  readonly family: 'ipv4' | 'ipv6';
  /**
   * `display`: display names with quotes, UTF-8 and escaped characters. `grammar`: tags, user part and, where the phone chooses
   * it, Call-ID with every character that RFC 3261 section 25.1 allows there.
   */
  readonly names: 'plain' | 'display' | 'grammar';
  /** How the call was set up: at once, by a reliable provisional response (RFC 3262), or with a second early dialog beside it. */
  readonly setup: 'plain' | 'prack' | 'forked';
  /** What the phone answers to the recovering re-INVITE, first; `silence` is nothing at all. */
  readonly answer: '200' | '481' | '491' | '500' | '503' | 'silence';
}

export const FACTORS = {
  phone: ['caller', 'callee'],
  transport: ['udp', 'tcp', 'tls'],
  proxies: ['none', 'edge', 'two', 'strict'],
  hold: ['none', 'us', 'phone', 'phone-inactive', 'sendonly'],
  refresh: ['none', 're-invite', 'update'],
  digest: ['none', 'initial', 're-invite'],
  timer: ['none', 'us', 'phone'],
  family: ['ipv4', 'ipv6'],
  names: ['plain', 'display', 'grammar'],
  setup: ['plain', 'prack', 'forked'],
  answer: ['200', '481', '491', '500', '503', 'silence'],
} as const satisfies { readonly [F in keyof Factors]: readonly Factors[F][] };

export type FactorName = keyof Factors;
export const FACTOR_NAMES = Object.keys(FACTORS) as readonly FactorName[];

/** The call that differs from an ordinary one in nothing. */
export const PLAIN: Factors = {
  phone: 'caller',
  transport: 'udp',
  proxies: 'edge',
  hold: 'none',
  refresh: 'none',
  digest: 'none',
  timer: 'none',
  family: 'ipv4',
  names: 'plain',
  setup: 'plain',
  answer: '200',
};

/** Two values that cannot meet in one call. */
export interface Exclusion {
  readonly when: Partial<Factors>;
  readonly never: Partial<Factors>;
  readonly reason: string;
}

export const EXCLUSIONS: readonly Exclusion[] = [
  {
    when: { setup: 'forked' },
    never: { phone: 'caller' },
    reason:
      'Only the side that sent the INVITE sees several early dialogs of it, and it is our side that is recovered.',
  },
  ...(['tcp', 'tls'] as const).map((transport) => ({
    when: { proxies: 'none' as const },
    never: { transport },
    reason: 'The factor is the transport at the edge; without a proxy there is none.',
  })),
];

/** Why the values cannot stand together, undefined where they can. Factors that are not given exclude nothing. */
export function excludedBy(factors: Partial<Factors>): Exclusion | undefined {
  return EXCLUSIONS.find(({ when, never }) => matches(factors, when) && matches(factors, never));
}

export function matches(factors: Partial<Factors>, wanted: Partial<Factors>): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => name in factors && factors[name as FactorName] === value,
  );
}

/** What is not as in an ordinary call, for a title: `callee, tls, hold us, answer 491`. */
export function describe(factors: Factors): string {
  const bare = new Set<FactorName>(['phone', 'transport', 'family']);
  const parts = FACTOR_NAMES.filter((name) => name === 'phone' || factors[name] !== PLAIN[name]).map(
    (name) => (bare.has(name) ? factors[name] : `${name} ${factors[name]}`),
  );
  return parts.join(', ');
}
