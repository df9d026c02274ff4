import { cp } from 'node:fs/promises';
import { startLab } from '@reinvite/lab';
import type { RunOptions } from '@reinvite/test-command-line';
import { startDemoApp } from '@reinvite/test-phones';
import pg from 'pg';
import type { Case } from './cases/case.js';
import { judge, type Verdict } from './judge/judge.js';
import { Stage } from './play/stage.js';
import type { Witness } from './play/witness.js';

const NODES = 3;

/** Phones at the same time. With more of them a small machine is busy with phones, and not with what they are to judge. */
const BATCH = 24;

/** Plays the cases on a lab of their own, and judges them. */
export async function run(
  cases: readonly Case[],
  { progress, signal, keep }: RunOptions,
): Promise<Verdict[]> {
  const lab = await startLab({
    nodes: NODES,
    onProgress: progress,
    ...(signal === undefined ? {} : { signal }),
  });
  const db = new pg.Pool({ connectionString: lab.info.postgres, max: 4 });
  db.on('error', () => undefined);
  try {
    await startDemoApp(lab);
    const stage = new Stage(lab, db, progress);
    const witnesses: Witness[] = [];
    for (const batch of batchesOf(cases)) witnesses.push(...(await stage.oneCrash(batch)));
    for (const test of cases.filter(diesAgain)) witnesses.push(...(await stage.crashUponCrash(test)));
    const verdicts = new Map(witnesses.map((witness) => [witness.test, judge(witness)]));
    return cases.flatMap((test) => verdicts.get(test) ?? []);
  } finally {
    if (keep !== undefined) {
      await cp(lab.info.shared, keep, { recursive: true });
      await cp(lab.info.logs, keep, { recursive: true });
    }
    await db.end();
    await lab.down();
  }
}

/** The cases that one crash is enough for, as many at a time as the machine bears, the slow ones in as few batches as can be. */
function batchesOf(cases: readonly Case[]): Case[][] {
  const slow = (test: Case): number =>
    test.extras.awaitsRefresh === true || test.factors.answer === 'silence' ? 0 : 1;
  const sorted = cases.filter((test) => !diesAgain(test)).sort((a, b) => slow(a) - slow(b));
  return Array.from({ length: Math.ceil(sorted.length / BATCH) }, (_, index) =>
    sorted.slice(index * BATCH, (index + 1) * BATCH),
  );
}

function diesAgain({ extras }: Case): boolean {
  return (extras.crashes ?? 1) > 1;
}
