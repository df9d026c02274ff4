import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory of its own for the test that calls; `testDirectory` of the tests' support depends on this package itself. */
export async function directory(prefix: string): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), prefix));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}
