import { regularExpression, writableFile } from '@reinvite/test-command-line';
import { Command } from 'commander';

/** What the conformance run was asked for. */
export interface ConformanceOptions {
  /** Cases whose id or title has this, as a regular expression without regard to case. */
  readonly only?: RegExp;
  /** File that gets the result as JSON. */
  readonly json?: string;
  /** File that gets the documentation's table. */
  readonly docs?: string;
  /** Keeps the phones' traces and the services' logs in this directory. */
  readonly keep?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): ConformanceOptions {
  const program = new Command('conformance')
    .description(
      'Calls in every state that a dialog can be in, their node dead, and what each phone saw of it.',
    )
    .option('--only <pattern>', 'only cases whose id or title matches', regularExpression)
    .option('--json <file>', 'write the result as JSON to this file', writableFile)
    .option('--docs <file>', 'write the table of the documentation to this file', writableFile)
    .option('--keep <directory>', "keep the phones' traces there")
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<ConformanceOptions>();
}
