import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Lab } from '@reinvite/lab';

const MAIN = fileURLToPath(new URL('../../../services/cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

/** What an operator at the command line can do. */
export interface Operator {
  /** Runs `reinvite` with these arguments. @returns its standard output. @throws Error for an exit code other than 0. */
  reinvite(...argv: readonly string[]): Promise<string>;
  /** The same, with who says it and why. */
  say(...argv: readonly string[]): Promise<string>;
}

export function operatorOf(lab: Lab): Operator {
  const reinvite: Operator['reinvite'] = async (...argv) => {
    const { stdout } = await run(process.execPath, [MAIN, ...argv, '--config', lab.info.config ?? '']);
    return stdout;
  };
  return {
    reinvite,
    say: (...argv) => reinvite(...argv, '--by', 'e2e', '--reason', 'the tests want it'),
  };
}
