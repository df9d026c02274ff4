import { atLeast, writableFile } from '@reinvite/test-command-line';
import { Command, InvalidArgumentError } from 'commander';
import { FAULTS } from './draw/catalogue.js';

/** What the run was asked for. */
export interface ChaosOptions {
  /** How long faults are injected. */
  readonly seconds: number;
  /** What faults and calls are drawn from; by chance where it is not given. */
  readonly seed?: number;
  /** Calls in progress at a time. */
  readonly calls: number;
  readonly nodes: number;
  /** How many times longer than usual calls may take to be set up, known and back: the machine may have much else to do. */
  readonly patience: number;
  /** Ids of the faults that may come. */
  readonly only: readonly string[];
  /** File that gets the result as JSON. */
  readonly json?: string;
  /** File that gets the page of the documentation. */
  readonly docs?: string;
  /** Results of earlier runs that the page is to count too. */
  readonly add: readonly string[];
  /** Directory that gets the logs of the lab, the captures and all that was seen. */
  readonly keep?: string;
}

const LARGEST_SEED = 2 ** 31 - 1;

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): ChaosOptions {
  const ids = FAULTS.map(({ id }) => id);
  const program = new Command('chaos')
    .description('Random faults while calls go on, and what the phones saw against what the audit says.')
    .option('--seconds <n>', 'how long faults are injected', atLeast(10, 86_400), 120)
    .option('--seed <n>', 'draws the same faults and calls again', atLeast(0, LARGEST_SEED))
    .option('--calls <n>', 'calls in progress at a time', atLeast(3, 200), 24)
    .option('--nodes <n>', 'Asterisk nodes', atLeast(3, 10), 4)
    .option('--patience <n>', 'calls may take so many times longer, on a slow machine', atLeast(1, 20), 1)
    .option('--only <faults>', `only these, separated by commas, of ${ids.join(', ')}`, faults, ids)
    .option('--json <file>', 'write the result as JSON to this file', writableFile)
    .option('--docs <file>', 'write the page of the documentation to this file', writableFile)
    .option('--add <file>', 'a result of --json that the page counts too; can be given again', listed, [])
    .option('--keep <directory>', 'keep logs, captures and the evidence there')
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<ChaosOptions>();
}

function faults(text: string): string[] {
  const known = FAULTS.map(({ id }) => id);
  const wanted = text.split(',');
  const unknown = wanted.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new InvalidArgumentError(`there is no fault ${unknown.join(', ')}`);
  return wanted;
}

function listed(file: string, before: readonly string[]): string[] {
  return [...before, file];
}
