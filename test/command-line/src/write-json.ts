import { writeFile } from 'node:fs/promises';

/** Writes a result as JSON, where a file for it was named. */
export async function writeJson(file: string | undefined, result: unknown): Promise<void> {
  if (file !== undefined) await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
}
