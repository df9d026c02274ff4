import type { CallStory, Chain } from './call.js';
import type { Difference } from './difference.js';
import { lifeOf, type AuditRecovery, type Evidence, type Life } from './evidence.js';

/** When a death was seen may be told by another process' clock reading. */
const SAME_MOMENT_MS = 50;

/** Where what the phones saw and what the audit says are not the same. Pure. */
export function auditDifferences(stories: readonly CallStory[], evidence: Evidence): Difference[] {
  const rows = evidence.recoveries.map((row) => ({ row, life: lifeOf(evidence.lives, row) }));
  const chains = stories.flatMap((story) => story.chains);
  const ofChain = new Map(
    chains.map((chain) => [
      chain,
      rows.filter((one) => isOf(one.row, one.life, chain)).map(({ row }) => row),
    ]),
  );
  const known = new Set([...ofChain.values()].flat());
  return [
    ...[...ofChain].flatMap(([chain, own]) => ofOneChain(chain, own, evidence.lives)),
    ...rows.flatMap(({ row }) => ofOneRow(row, known.has(row))),
    ...deathDifferences(evidence),
  ];
}

function isOf(row: AuditRecovery, life: Life | undefined, { call, lives }: Chain): boolean {
  if (life === undefined || !lives.includes(life)) return false;
  const ids = [call.caller.callId, ...(call.callee === undefined ? [] : [call.callee.callId])];
  return ids.includes(row.callId) || row.sipCallIds.some((id) => ids.includes(id));
}

function ofOneChain(chain: Chain, rows: readonly AuditRecovery[], lives: readonly Life[]): Difference[] {
  const say = (kind: Difference['kind'], text: string): Difference[] => [
    { kind, at: chain.at, call: chain.call.number, text: `${chain.call.kind}: ${text}` },
  ];
  const twice = chain.lives.flatMap((life) => {
    const own = rows.filter((row) => lifeOf(lives, row) === life);
    return own.length > 1 ? say('audit-twice', `${own.length} recoveries for one death: ${said(own)}`) : [];
  });
  if (chain.wasWhole && rows.length === 0)
    return [...twice, ...say('audit-missing', 'no recovery of it in the audit')];
  if (chain.outcome === 'unsettled' || chain.outcome === 'hung-up') return twice;
  const ordered = [...rows].sort((one, other) => one.detectedAt - other.detectedAt);
  if (chain.cameBack && !rows.some(({ outcome }) => outcome === 'recovered'))
    return [...twice, ...say('audit-not-recovered', `its phones are back, the audit says ${said(rows)}`)];
  if (!chain.cameBack && ordered.at(-1)?.outcome === 'recovered')
    return [
      ...twice,
      ...say('audit-recovered', `the audit says recovered, the phones: ${chain.reasons.join('; ')}`),
    ];
  return twice;
}

function ofOneRow(row: AuditRecovery, known: boolean): Difference[] {
  const { detectedAt: at, callId: call } = row;
  if (row.outcome === 'under way')
    return [{ kind: 'audit-open', at, call, text: `the recovery from ${row.nodeId} has no outcome` }];
  if (row.outcome === 'recovered' && !known)
    return [
      { kind: 'audit-stranger', at, call, text: `recovered from ${row.nodeId}, and no phone was there` },
    ];
  return [];
}

function said(rows: readonly AuditRecovery[]): string {
  return rows.map(({ outcome, reason }) => `${outcome}${reason === null ? '' : ` (${reason})`}`).join(', ');
}

function deathDifferences({ lives, deaths }: Evidence): Difference[] {
  const missing = lives.flatMap((life): Difference[] => {
    const { node, injection, silentAt } = life;
    if (injection === null || silentAt === null) return [];
    const own = deaths.filter((death) => lifeOf(lives, death) === life);
    if (own.length === 1) return [];
    return [
      {
        kind: 'audit-death',
        at: silentAt,
        call: '',
        text: `${own.length} deaths of ${node} in the audit, and it died once`,
      },
    ];
  });
  const wrong = deaths.flatMap((death): Difference[] => {
    const life = lifeOf(lives, death);
    const isTrue =
      typeof life?.injection === 'number' &&
      life.silentAt !== null &&
      life.silentAt <= death.downAt + SAME_MOMENT_MS;
    if (isTrue) return [];
    return [
      {
        kind: 'wrong-death',
        at: death.downAt,
        call: '',
        text: `${death.nodeId} was declared dead (${death.evidence}), and no fault had ended it`,
      },
    ];
  });
  return [...missing, ...wrong];
}
