import type { CaseResult, Result } from './result.js';

/** The page of the documentation, made from a run of all cases. */
export function documentation({ passed, failed, cases }: Result): string {
  return `${[
    INTRODUCTION,
    `Of ${cases.length} cases ${passed} passed and ${failed} failed.`,
    table(
      ['case', 'the call', 'result'],
      cases.map(({ id, title, result }) => [`\`${id}\``, title, result]),
    ),
    TIMES,
    table(
      ['case', 'crash', 're-INVITEs answered', 'heard as before', 'prompt was at, went on at'],
      cases.flatMap(timesOf),
    ),
    ...faultsOf(cases),
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `# The whole call: who hears whom after a crash, and after the next one

\`npm run whole-call\` brings up the lab, makes calls of every kind, kills the Asterisk that they are on, and listens. This page is
written by it (\`--docs docs/whole-call.md\`).

\`\`\`sh
npm run whole-call                                 # all cases, about seven minutes
npm run whole-call -- --only 'conference|prompt'   # those whose name or description matches
npm run whole-call -- --json result.json           # {passed, failed, cases[]}
npm run whole-call -- --only pair --keep /tmp/pair # keeps the captures and the services' logs
\`\`\`

Every phone speaks with a tone of its own, music on hold and announcements have theirs, and the tone of the prompt changes twice a
second. What a phone hears is read from the RTP that arrives at its interface: G.711, ten analyses a second (Goertzel). A case
**passes** when

- before the crash every phone hears what it should, for two seconds, and nothing else: one-way audio, a voice that should not be
  there or silence is a fault (a sound has to fill three quarters of the time; what should not be there, no more than a tenth);
- after it every phone of the dead node gets exactly one re-INVITE, answers 200 and gets its ACK, no other phone gets any, nobody is
  hung up, and everybody hears exactly what they heard before;
- a prompt is heard again from within a second of where it was;
- the same holds when the node dies that took the call over;
- what people do then comes out as it would have without a crash (taking off hold, hanging up in the middle of \`Dial\`, …), and the
  calls end by a BYE that is answered 200.

The audit must say \`recovered\` each time. The application of these calls keeps no state with Reinvite and plays nothing again:
what comes back is Reinvite's doing; by a variable it says what Asterisk tells nobody ([docs/resume.md](resume.md)). examples/ivr does
keep its state, and goes on by itself. Recordings are read from the disks of all nodes, the dead ones' too: every part that the
manifest names has to be there, in order, with every voice. Asterisk holds back 32 KiB of each file, which die with it: the cases
wait until some of a part is on the disk. Exit code 0 means that no case failed.`;

const TIMES = `## Times

From the SIGKILL; what is heard counts from the beginning of the two seconds in which everybody hears what they should. Each line
is of one run, and follows the machine.`;

function timesOf({ id, crashes }: CaseResult): string[][] {
  return crashes.map(({ node, answeredMs, heardMs, prompt }) => [
    `\`${id}\``,
    node,
    ms(answeredMs),
    ms(heardMs),
    prompt === undefined ? '' : `${ms(prompt.leftAt)}, ${ms(prompt.wentOnAt)}`,
  ]);
}

function faultsOf(cases: readonly CaseResult[]): string[] {
  const lines = cases.flatMap(({ id, crashes, faults }) =>
    [...crashes.flatMap((crash) => crash.faults), ...faults].map((fault) => `- \`${id}\`: ${fault}`),
  );
  return lines.length === 0 ? [] : ['## What failed', lines.join('\n')];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function ms(value: number | null): string {
  return value === null ? 'never' : `${Math.round(value)} ms`;
}
