import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codedError } from '@reinvite/runtime';
import { CHECKOUT } from '../paths.js';

/** Values of a template's `@NAME@` placeholders. */
export type Values = Readonly<Record<string, string>>;

/**
 * Fills in a template's `@NAME@` placeholders (upper-case letters, digits and `_`). Pure.
 * @throws CodedError `LAB_START_FAILED` for a placeholder without a value.
 */
export function render(template: string, values: Values): string {
  return template.replace(/@([A-Z][A-Z0-9_]*)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw codedError('LAB_START_FAILED', `no value for the placeholder @${name}@`);
    return value;
  });
}

/** Renders every `*.conf` and `*.cfg` of a directory under deploy/ into `target`. */
export async function renderDirectory(source: string, target: string, values: Values): Promise<void> {
  const from = path.join(CHECKOUT, 'deploy', source);
  await mkdir(target, { recursive: true });
  const names = (await readdir(from)).filter((name) => /\.(conf|cfg)$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const text = render(await readFile(path.join(from, name), 'utf8'), values);
      await writeFile(path.join(target, name), text);
    }),
  );
}

/** Debian's name of this machine's architecture in library paths. */
export function multiarch(): string {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}
