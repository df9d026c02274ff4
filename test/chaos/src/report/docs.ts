import { FAULTS, isDeadly } from '../draw/catalogue.js';
import type { Fault } from '../draw/fault.js';
import { joinedRows, type RunOnFile } from './joined.js';
import type { Row } from './result.js';

/** The page of the documentation, made from one run or several. Pure. */
export function documentation(runs: readonly RunOnFile[]): string {
  const seen = joinedRows(runs);
  const rows = FAULTS.map((fault) => seen.find((row) => row.fault === fault.id) ?? notInjected(fault));
  const limits = FAULTS.filter(({ noPromise }) => noPromise !== undefined);
  return `${[
    INTRODUCTION,
    sentenceOf(runs, rows),
    '## A node dies',
    table(
      [
        'fault',
        'what is done',
        'injected',
        'calls at stake',
        'recovered',
        'lost',
        'wrongly taken over',
        'doubled',
      ],
      rows.filter(({ deadly }) => deadly).map((row) => [...namesOf(row), ...numbers(row, [row.recovered])]),
    ),
    '## No node dies, and nobody may notice',
    table(
      ['fault', 'what is done', 'injected', 'calls in progress', 'lost', 'wrongly taken over', 'doubled'],
      rows.filter(({ deadly }) => !deadly).map((row) => [...namesOf(row), ...numbers(row, [])]),
    ),
    '## Where zero cannot be promised',
    limits.map(({ id, noPromise = '' }) => `- \`${id}\`: ${noPromise}`).join('\n'),
    LIMITS,
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `# Faults: what was broken, and what became of the calls

\`npm run chaos\` brings up the lab with replicas of everything that can have them (three NATS servers, three sentinels, two
recoveries, two ari-workers), keeps calls of every kind coming that hang up by themselves, breaks one thing after the other, drawn
from a seed, and then compares what phones and Asterisks saw with what the audit says. This page is written by it
(\`--docs docs/faults.md\`).

\`\`\`sh
npm run chaos -- --seconds 300                 # 0: no difference; 1: some; 2: cannot run here; 130: interrupted
npm run chaos -- --seconds 300 --seed 7        # the same faults at the same moments, every time
npm run chaos -- --seconds 60 --only node-hung,node-cut --calls 40
npm run chaos -- --seconds 300 --json run.json # {faults, recovered, lost, doubled, wrongTakeovers, rows, differences, …}
\`\`\`

The phones' packets are the witness:

- A call is **at stake** when its node died and all of its phones had been talking for a second. It is **recovered** when each of
  them got a re-INVITE from one and the same living node, with its tags and a CSeq above all before, answered it 200 and got the
  ACK, and when the call then ended by a phone's own BYE, answered 200, with the other phone hung up. All else is **lost**, save that
  a phone hung up by itself before it was called back.
- **Wrongly taken over** is a call that got a re-INVITE while the Asterisk that it was on was not gone (a fenced one is gone when
  its process is), and a node that was killed or declared dead without need.
- **Doubled** is a call of which a phone got a second re-INVITE for one death while the sender of the first, answered, was alive.
- A call that came back after its phones' patience (4 s; 7 s where a fence is needed, 9 s where Postgres is away) is **late**. One
  that could not be set up, and no Asterisk died or started meanwhile, is **not set up**. Either fails the run, and so does a run
  in which no call was at stake.
- The **audit** must have one recovery for each call at stake, with an outcome, and \`recovered\` exactly where the phones say so; one
  death for each Asterisk that a fault has ended, and no other. Where it says otherwise, the run fails.`;

const LIMITS = `A call that was answered in the last second before its node died is not counted above: whether its Asterisk had told
anybody of it by then is chance. It may be recovered or not; it is never doubled, and never wrongly taken over.`;

function sentenceOf(runs: readonly RunOnFile[], rows: readonly Row[]): string {
  const total = (of: (row: Row) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  const seeds = runs.map(({ seed, seconds }) => `${seed} (${seconds} s)`).join(', ');
  const differences = runs.reduce((sum, run) => sum + run.differences.length, 0);
  const beyond = total((row) => row.beyondPromise);
  return [
    `This page is of ${runs.length === 1 ? 'one run' : `${runs.length} runs`}, seed ${seeds}: ${total((row) => row.injected)} faults,`,
    `${total((row) => row.recovered)} calls recovered, ${total((row) => row.lost)} lost${beyond === 0 ? '' : ` (${beyond} more where nothing is promised)`},`,
    `${total((row) => row.wrongTakeovers)} wrongly taken over, ${total((row) => row.doubled)} doubled;`,
    `differences between phones, Asterisks and audit, lost calls among them: ${differences === 0 ? 'none' : differences}.`,
  ].join(' ');
}

function notInjected({ id, title, noPromise }: Fault): Row {
  const none = {
    injected: 0,
    atStake: 0,
    recovered: 0,
    lost: 0,
    beyondPromise: 0,
    wrongTakeovers: 0,
    doubled: 0,
  };
  return { fault: id, title, deadly: isDeadly(id), note: noPromise ?? null, ...none };
}

function namesOf({ fault, title }: Row): string[] {
  return [`\`${fault}\``, title];
}

function numbers(row: Row, between: readonly number[]): string[] {
  const lost = row.beyondPromise === 0 ? row.lost : `${row.lost}, and ${row.beyondPromise} not promised`;
  return [row.injected, row.atStake, ...between, lost, row.wrongTakeovers, row.doubled].map(String);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
