import { atLeast, wholeNumbers, writableFile } from '@reinvite/test-command-line';
import { Command, Option } from 'commander';

const MOST = 1_000_000;

/** What is to be measured. */
export interface BenchOptions {
  /** Default: everything. */
  readonly only?: 'ledger' | 'detection';
  /** Messages a second, one after the other. */
  readonly rates: readonly number[];
  /** How long each of them is kept up. */
  readonly seconds: number;
  /** Live calls for the memory, one after the other. */
  readonly live: readonly number[];
  /** How often an Asterisk is killed. */
  readonly kills: number;
  /** Calls that are up at each kill; each is two phones joined by `Dial`. */
  readonly calls: number;
  /** File that gets the figures as JSON. */
  readonly json?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const program = new Command('bench')
    .description(
      'What the dialog-ledger costs and how fast a death is detected, against floors from the same run.',
    )
    .addOption(new Option('--only <what>', 'measure one of them').choices(['ledger', 'detection']))
    .option('--rates <n,…>', 'messages a second', wholeNumbers(1, MOST), [5_000, 10_000])
    .option('--seconds <n>', 'how long each rate is kept up', atLeast(1, MOST), 10)
    .option(
      '--live <n,…>',
      'live calls of which the memory is measured',
      wholeNumbers(1, MOST),
      [10_000, 50_000],
    )
    .option('--kills <n>', 'how often an Asterisk is killed', atLeast(1, MOST), 20)
    .option('--calls <n>', 'calls that are up at each kill', atLeast(1, MOST), 100)
    .option('--json <file>', 'write the figures as JSON to this file', writableFile)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<BenchOptions>();
}
