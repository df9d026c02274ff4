import { EXCLUSIONS, FACTOR_NAMES, FACTORS, type Factors } from '../cases/factors.js';
import { matrix } from '../cases/matrix.js';
import type { CaseResult, Result } from './result.js';

/** The page of the documentation, made from a run of all cases. */
export function documentation(result: Result): string {
  const inMatrix = new Set(matrix().map(({ id }) => id));
  const named = result.cases.filter(({ id }) => !inMatrix.has(id));
  const paired = result.cases.filter(({ id }) => inMatrix.has(id));
  return `${[
    INTRODUCTION,
    BARESIP,
    `Of ${result.cases.length} cases ${result.passed} passed, ${result.failed} failed, and ${result.notRecovered} were reported and not recovered, as it should be.`,
    '## The ways in which calls are lost elsewhere',
    NAMED,
    table(
      ['case', 'the call', 'result'],
      named.map(({ id, title, ...rest }) => [`\`${id}\``, title, written(rest)]),
    ),
    '## Every pair of factors',
    MATRIX,
    table(
      ['factor', 'values'],
      FACTOR_NAMES.map((name) => [name, FACTORS[name].map((value) => `\`${value}\``).join(', ')]),
    ),
    'What cannot meet:',
    EXCLUSIONS.map(
      ({ when, never, reason }) => `- ${pairText(when)} and ${pairText(never)}: ${lowered(reason)}`,
    ).join('\n'),
    'The cases; what is not named is as in an ordinary call (UDP, IPv4, one proxy, …):',
    table(
      ['case', 'the call', 'result'],
      paired.map(({ id, title, ...rest }) => [`\`${id}\``, title, written(rest)]),
    ),
    '## What is not recovered, and why',
    table(
      ['reason', 'why', 'cases'],
      [...reasonsOf(result.cases)].map(([reason, { why, cases }]) => [`\`${reason}\``, why, String(cases)]),
    ),
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `# Conformance: the dialog is exact, whatever the call went through

\`npm run conformance\` brings up the lab, sets up calls in every state that a dialog can be in, kills the Asterisk that they are
on, and judges each by what its phone sent and received. This page is written by it (\`--docs docs/conformance.md\`).

\`\`\`sh
npm run conformance                                  # all cases, about three minutes
npm run conformance -- --only 'tls|hold us'          # those whose name or description matches
npm run conformance -- --json result.json            # {passed, failed, notRecovered, cases[]}
npm run conformance -- --only swap --keep /tmp/swap  # keeps the phones' messages and the services' logs
\`\`\`

Every phone is a SIPp of its own. A case **passes** when the phone gets exactly as many re-INVITEs as it should, from a living
node, each with the dialog's Call-ID, tags, parties and a higher CSeq, to the phone's last Contact, over its transport and every
proxy of the route set, with fresh Vias and no Record-Route of a node; with an offer of the same session id and a higher version,
every stream with its direction, profile, keys, payload types and the codec in use first; with the session timer and its
refresher; when each final answer gets its ACK; and when afterwards the phone's own re-INVITE, UPDATE and BYE are answered 200, its
hold can be taken back, ours is still there, and our side has not hung up. The audit must say the same. \`not recovered\` is what
the audit reports with the reason that it should, while nothing is sent to the phone that could end the call. Exit code 0 means
that no case failed.`;

const BARESIP = `Every phone here is a SIPp. baresip, which people use, is played in \`test/e2e/test/baresip.e2e.spec.ts\`: plain, held, behind TLS
with SRTP, and with DTLS.`;

const NAMED = `Each is a bug that was found in other implementations of call recovery.`;

const MATRIX = `The cases are made so that every value of every factor occurs, every pair of values of two factors, and once more every pair
among the calls whose phone answers 200 at once.`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function written({ result, reason }: Pick<CaseResult, 'result' | 'reason'>): string {
  return result === 'not recovered' && reason !== null ? `${result}: \`${reason}\`` : result;
}

function pairText(factors: Partial<Factors>): string {
  return Object.entries(factors)
    .map(([name, value]) => `${name} \`${value}\``)
    .join(', ');
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function reasonsOf(cases: readonly CaseResult[]): Map<string, { why: string; cases: number }> {
  const reasons = new Map<string, { why: string; cases: number }>();
  for (const { result, reason, why } of cases) {
    if (result !== 'not recovered') continue;
    const key = reason ?? 'not in the audit';
    reasons.set(key, { why, cases: (reasons.get(key)?.cases ?? 0) + 1 });
  }
  return reasons;
}
