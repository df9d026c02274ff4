import { atLeast, wholeNumbers, writableFile } from '@reinvite/test-command-line';
import { Command } from 'commander';

const MOST = 1_000_000;

/** What is to be measured. */
export interface BenchOptions {
  /** Messages a second, one after the other. */
  readonly rates: readonly number[];
  /** How long each of them is kept up. */
  readonly seconds: number;
  /** Live calls for the memory, one after the other. */
  readonly live: readonly number[];
  /** File that gets the figures as JSON. */
  readonly json?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const program = new Command('bench')
    .description('What the dialog-ledger costs, against a floor that is measured in the same run.')
    .option('--rates <n,…>', 'messages a second', wholeNumbers(1, MOST), [5_000, 10_000])
    .option('--seconds <n>', 'how long each rate is kept up', atLeast(1, MOST), 10)
    .option(
      '--live <n,…>',
      'live calls of which the memory is measured',
      wholeNumbers(1, MOST),
      [10_000, 50_000],
    )
    .option('--json <file>', 'write the figures as JSON to this file', writableFile)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<BenchOptions>();
}
