import { CommanderError } from 'commander';

/** Exit codes: all came true, something did not, the machine or the command line will not do, interrupted. */
export const EXIT = { good: 0, bad: 1, unable: 2, interrupted: 130 } as const;

/**
 * What `read` makes of the command line.
 * @param read throws commander's errors (`exitOverride`), `--help` among them.
 * @returns undefined where it was answered already, by help or by what is wrong with it; the process' exit code is set then.
 */
export function readCommandLine<T>(read: (argv: readonly string[]) => T): T | undefined {
  try {
    return read(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.unable;
    return undefined;
  }
}
