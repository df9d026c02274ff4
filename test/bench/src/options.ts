import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

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
    .option('--rates <n,…>', 'messages a second', numbers, [5_000, 10_000])
    .option('--seconds <n>', 'how long each rate is kept up', (text) => numbers(text)[0] ?? 0, 10)
    .option('--live <n,…>', 'live calls of which the memory is measured', numbers, [10_000, 50_000])
    .option('--json <file>', 'write the figures as JSON to this file', writable)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<BenchOptions>();
}

function numbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.every((value) => Number.isInteger(value) && value >= 1 && value <= 1_000_000)) return values;
  throw new InvalidArgumentError('whole numbers from 1 to 1000000 are wanted');
}

/** Found out before the bench runs, not after. */
function writable(file: string): string {
  try {
    accessSync(path.dirname(path.resolve(file)), constants.W_OK);
  } catch {
    throw new InvalidArgumentError('its directory cannot be written to');
  }
  return file;
}
