import type { ObservedCall, ObservedRequest, PhoneCall } from '@reinvite/test-phones';
import type { AuditDeath, AuditRecovery, Evidence, Injected, Life } from '../src/check/evidence.js';

/** When the only fault of an invented run comes, and when its node is back. Epoch ms. */
export const DEATH = 100_000;
export const REVIVED = 110_000;
const START = 90_000;
const END = 120_000;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function request(about: Partial<Writable<ObservedRequest>>): ObservedRequest {
  return {
    method: 'INVITE',
    by: 'network',
    cseq: 101,
    branch: 'z9hG4bK1',
    fromTag: 'ours',
    toTag: 'phones',
    requestUri: 'sip:phone',
    at: DEATH + 300,
    times: 1,
    node: 'ast2',
    answer: { status: 200, at: (about.at ?? DEATH + 300) + 5 },
    ackedAt: (about.at ?? DEATH + 300) + 10,
    ...about,
  };
}

export function bye(by: 'phone' | 'network', at = END, status: number | null = 200): ObservedRequest {
  return request({
    method: 'BYE',
    by,
    cseq: by === 'phone' ? 2 : 102,
    at,
    answer: status === null ? null : { status, at: at + 5 },
    ackedAt: null,
  });
}

/** A phone that was in a call through ast1 from the beginning. */
export function phone(
  role: 'caller' | 'callee',
  requests: readonly ObservedRequest[],
  about: Partial<PhoneCall> = {},
): PhoneCall {
  return {
    callId: `${role}-1`,
    role,
    number: '10001',
    dialled: role === 'caller' ? 'app-10001' : 'phone-6000',
    sipPort: 6_000,
    invite: request({
      by: role === 'caller' ? 'phone' : 'network',
      cseq: role === 'caller' ? 1 : 100,
      at: START,
      node: 'ast1',
    }),
    requests: [...requests],
    localTag: 'phones',
    remoteTag: 'ours',
    rtpPorts: new Set(),
    ...about,
  };
}

/** A call with an application. */
export function app(requests: readonly ObservedRequest[], about: Partial<PhoneCall> = {}): ObservedCall {
  return { number: '10001', kind: 'app', caller: phone('caller', requests, about), callee: undefined };
}

/** Two phones with each other. */
export function pair(caller: readonly ObservedRequest[], callee: readonly ObservedRequest[]): ObservedCall {
  return {
    number: '10001',
    kind: 'bridge',
    caller: phone('caller', caller),
    callee: phone('callee', callee),
  };
}

export function life(node: string, about: Partial<Life> = {}): Life {
  return { node, startedAt: -Infinity, silentAt: null, endedAt: null, injection: null, ...about };
}

/** ast1 died and came back; ast2 and ast3 live. */
export const LIVES: readonly Life[] = [
  life('ast1', { silentAt: DEATH, endedAt: DEATH, injection: 0 }),
  life('ast2'),
  life('ast3'),
  life('ast1', { startedAt: REVIVED }),
];

export function recovery(about: Partial<AuditRecovery> = {}): AuditRecovery {
  return {
    recoveryId: 'r1',
    callId: 'caller-1',
    nodeId: 'ast1',
    incarnation: '50000',
    outcome: 'recovered',
    reason: null,
    detectedAt: DEATH + 10,
    sipCallIds: ['caller-1'],
    ...about,
  };
}

export function death(about: Partial<AuditDeath> = {}): AuditDeath {
  return { nodeId: 'ast1', incarnation: '50000', evidence: 'process-gone', downAt: DEATH + 10, ...about };
}

const INJECTED: Injected = {
  index: 0,
  fault: 'node-killed',
  at: DEATH - 1,
  until: REVIVED,
  patienceMs: 5_000,
};

/** One call, recovered as it should be, and an audit that says so: what is not said otherwise is well. */
export function evidence(about: Partial<Evidence> = {}): Evidence {
  return {
    calls: [app([request({}), bye('phone')])],
    lives: LIVES,
    injected: [INJECTED],
    patience: 1,
    blind: [],
    recoveries: [recovery()],
    deaths: [death()],
    channels: [],
    doubts: [],
    ...about,
  };
}

/** The same without a death: all lives go on. */
export function calm(about: Partial<Evidence> = {}): Evidence {
  return evidence({
    calls: [app([bye('phone')])],
    lives: [life('ast1'), life('ast2')],
    injected: [{ ...INJECTED, fault: 'sentinel-hung' }],
    recoveries: [],
    deaths: [],
    ...about,
  });
}
