import { cp } from 'node:fs/promises';
import { startLab } from '@reinvite/lab';
import { startDemoApp } from '@reinvite/test-phones';
import pg from 'pg';
import type { Case } from './cases/case.js';
import { judge, type Verdict } from './judge/judge.js';
import { Stage, type Progress } from './play/stage.js';

const NODES = 3;

/** What a run needs besides its cases. */
export interface RunOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Directory for the phones' traces and the logs. */
  readonly keep?: string;
}

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
    const witnesses = await stage.oneCrash(cases);
    return witnesses.map(judge);
  } finally {
    if (keep !== undefined) {
      await cp(lab.info.shared, keep, { recursive: true });
      await cp(lab.info.logs, keep, { recursive: true });
    }
    await db.end();
    await lab.down();
  }
}
