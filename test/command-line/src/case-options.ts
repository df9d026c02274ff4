import { Command } from 'commander';
import { regularExpression, writableFile } from './arguments.js';

/** What a run of cases was asked for. */
export interface CaseOptions {
  /** Cases whose id or title has this, as a regular expression without regard to case. */
  readonly only?: RegExp;
  /** File that gets the result as JSON. */
  readonly json?: string;
  /** File that gets the documentation's page. */
  readonly docs?: string;
  /** Keeps what the phones saw and the services' logs in this directory. */
  readonly keep?: string;
}

/** Reads the command line of a run of cases. What it gives throws CommanderError for a wrong one, and for `--help`. */
export function caseOptions(name: string, description: string): (argv: readonly string[]) => CaseOptions {
  return (argv) => {
    const program = new Command(name)
      .description(description)
      .option('--only <pattern>', 'only cases whose id or title matches', regularExpression)
      .option('--json <file>', 'write the result as JSON to this file', writableFile)
      .option('--docs <file>', 'write the page of the documentation to this file', writableFile)
      .option('--keep <directory>', 'keep what the phones saw and the logs there')
      .exitOverride();
    program.parse([...argv], { from: 'user' });
    return program.opts<CaseOptions>();
  };
}
