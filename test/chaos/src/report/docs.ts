import type { Result, Row } from './result.js';

/** The page of the documentation, made from a run. */
export function documentation(result: Result): string {
  const deadly = result.rows.filter((row) => row.deadly);
  const harmless = result.rows.filter((row) => !row.deadly);
  const limits = result.rows.filter((row) => row.note !== null);
  return `${[
    INTRODUCTION,
    `The run of this page: seed ${result.seed}, ${result.seconds} s, ${result.faults} faults. ${sentenceOf(result)}`,
    '## A node dies',
    table(
      ['fault', 'injected', 'calls at stake', 'recovered', 'lost', 'wrongly taken over', 'doubled'],
      deadly.map((row) => [titleOf(row), ...numbers(row, [row.recovered])]),
    ),
    '## No node dies: nobody may notice',
    table(
      ['fault', 'injected', 'calls in progress', 'lost', 'wrongly taken over', 'doubled'],
      harmless.map((row) => [titleOf(row), ...numbers(row, [])]),
    ),
    '## Where zero cannot be promised',
    ...limits.map((row) => `- \`${row.fault}\`: ${row.note ?? ''}`),
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
- The **audit** must have one recovery for each call at stake, with an outcome, and \`recovered\` exactly where the phones say so; one
  death for each Asterisk that a fault has ended, and no other. Where it says otherwise, the run fails.`;

const LIMITS = `A call that was answered in the last second before its node died is not counted above: whether its Asterisk had told
anybody of it by then is chance. It may be recovered or not; it is never doubled, and never wrongly taken over.`;

function sentenceOf({
  recovered,
  lost,
  beyondPromise,
  doubled,
  wrongTakeovers,
  differences,
}: Result): string {
  const beyond = beyondPromise === 0 ? '' : `, ${beyondPromise} of them where nothing is promised`;
  const agreed =
    differences.length === 0
      ? 'Phones and audit did not differ anywhere.'
      : `There were ${differences.length} differences.`;
  return `${recovered} calls recovered, ${lost} lost${beyond}, ${wrongTakeovers} wrongly taken over, ${doubled} doubled. ${agreed}`;
}

function titleOf({ title, note }: Row): string {
  return note === null ? title : `${title} (see below)`;
}

function numbers(row: Row, between: readonly number[]): string[] {
  return [row.injected, row.atStake, ...between, row.lost, row.wrongTakeovers, row.doubled].map(String);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
