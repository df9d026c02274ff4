import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

/** What the demo was asked for. */
export interface DemoOptions {
  /** Calls in progress when the node dies: a third each to an application, bridged by ARI, joined by `Dial`. */
  readonly calls: number;
  readonly nodes: number;
  /** File that gets the summary as JSON. */
  readonly json?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): DemoOptions {
  const program = new Command('demo')
    .description('Real calls through a real cluster; a node is killed; the phones keep talking.')
    .option('--calls <n>', 'calls in progress when the node dies', atLeast(3, 1_000), 60)
    .option('--nodes <n>', 'Asterisk nodes', atLeast(2, 20), 3)
    .option('--json <file>', 'write the summary as JSON to this file', writable)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<DemoOptions>();
}

function atLeast(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is wanted`);
  };
}

/** Found out before the demo runs, not after. */
function writable(file: string): string {
  try {
    accessSync(path.dirname(path.resolve(file)), constants.W_OK);
  } catch {
    throw new InvalidArgumentError('its directory cannot be written to');
  }
  return file;
}
