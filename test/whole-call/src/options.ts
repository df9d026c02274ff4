import { regularExpression, writableFile } from '@reinvite/test-command-line';
import { Command } from 'commander';

/** What the run was asked for. */
export interface WholeCallOptions {
  /** Cases whose id or title has this, as a regular expression without regard to case. */
  readonly only?: RegExp;
  /** File that gets the result as JSON. */
  readonly json?: string;
  /** File that gets the documentation's page. */
  readonly docs?: string;
  /** Keeps the captures and the services' logs in this directory. */
  readonly keep?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): WholeCallOptions {
  const program = new Command('whole-call')
    .description('Whole calls of every kind, two crashes, and who heard whom: told by a tone for each phone.')
    .option('--only <pattern>', 'only cases whose id or title matches', regularExpression)
    .option('--json <file>', 'write the result as JSON to this file', writableFile)
    .option('--docs <file>', 'write the page of the documentation to this file', writableFile)
    .option('--keep <directory>', 'keep captures and logs there')
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<WholeCallOptions>();
}
