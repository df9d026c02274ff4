import { cp, lstat } from 'node:fs/promises';
import { startLab } from '@reinvite/lab';
import type { RunOptions } from '@reinvite/test-command-line';
import pg from 'pg';
import { Application } from './app/application.js';
import { startIvr } from './app/ivr.js';
import type { Case } from './cases/case.js';
import { CHOSEN_VARIABLES } from './cases/variables.js';
import type { CaseVerdict } from './judge/verdict.js';
import { furnish } from './play/furnish.js';
import { Stage } from './play/stage.js';

const NODES = 3;
/** Cases that die together: each has up to four phones that speak. */
const BATCH = 6;

/** Plays the cases on a lab of their own, and judges them. */
export async function run(
  cases: readonly Case[],
  { progress, signal, keep }: RunOptions,
): Promise<CaseVerdict[]> {
  const lab = await startLab({
    nodes: NODES,
    variables: CHOSEN_VARIABLES,
    onProgress: progress,
    ...(signal === undefined ? {} : { signal }),
  });
  const db = new pg.Pool({ connectionString: lab.info.postgres, max: 4 });
  db.on('error', () => undefined);
  let application: Application | undefined;
  try {
    await furnish(lab);
    application = await Application.start(lab);
    if (cases.some(({ id }) => id.startsWith('ivr-'))) await startIvr(lab);
    const stage = new Stage({ lab, db, application }, progress);
    const verdicts: CaseVerdict[] = [];
    for (const batch of batchesOf(cases)) verdicts.push(...(await stage.play(batch)));
    const byId = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
    return cases.flatMap(({ id }) => byId.get(id) ?? []);
  } finally {
    application?.stop();
    if (keep !== undefined) {
      for (const directory of [lab.info.shared, lab.info.logs])
        await cp(directory, keep, { recursive: true, filter: isKept });
    }
    await db.end();
    await lab.down();
  }
}

/** Each that is to be alone, and the others as many at a time as a small machine bears. */
function batchesOf(cases: readonly Case[]): Case[][] {
  const alone = cases.filter((test) => test.alone === true);
  const others = cases.filter((test) => test.alone !== true);
  const together = Array.from({ length: Math.ceil(others.length / BATCH) }, (_, index) =>
    others.slice(index * BATCH, (index + 1) * BATCH),
  );
  return [...together, ...alone.map((test) => [test])];
}

/** A pipe cannot be copied. */
async function isKept(source: string): Promise<boolean> {
  return !(await lstat(source)).isFIFO();
}
