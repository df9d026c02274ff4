import { caseOf, type Case } from './case.js';
import { describe, PLAIN, type Factors } from './factors.js';
import { pairwise } from './pairwise.js';

/**
 * The matrix: every pair of values, and once more every pair among the calls that come back at the first try, since what a
 * call is like afterwards can be seen only there.
 */
export function matrix(): Case[] {
  const rows = [PLAIN, { ...PLAIN, phone: 'callee' as const }, ...pairwise(), ...pairwise({ answer: '200' })];
  const distinct = new Map(rows.map((factors) => [describe(factors), factors]));
  return [...distinct].map(([title, factors]) => caseOf(idOf(factors), title, factors));
}

/** Short, and the same whatever other cases there are: a letter or digit for each factor, in order. */
function idOf(factors: Factors): string {
  const letters: { readonly [F in keyof Factors]: Readonly<Record<Factors[F], string>> } = {
    phone: { caller: 'i', callee: 'o' },
    transport: { udp: 'u', tcp: 't', tls: 's' },
    proxies: { none: '0', edge: '1', two: '2', strict: 's' },
    hold: { none: '0', us: 'u', phone: 'p', 'phone-inactive': 'i', sendonly: 's' },
    refresh: { none: '0', 're-invite': 'i', update: 'u' },
    digest: { none: '0', initial: '1', 're-invite': 'r' },
    timer: { none: '0', us: 'u', phone: 'p' },
    family: { ipv4: '4', ipv6: '6' },
    names: { plain: '0', display: 'd', grammar: 'g' },
    setup: { plain: '0', prack: 'p', forked: 'f' },
    answer: { '200': '2', '481': '481', '491': '491', '500': '500', '503': '503', silence: 'x' },
  };
  const of = <F extends keyof Factors>(name: F): string => letters[name][factors[name]];
  return `m-${(Object.keys(letters) as (keyof Factors)[]).map(of).join('')}`;
}
