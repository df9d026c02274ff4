import { atLeast, writableFile } from '@reinvite/test-command-line';
import { Command } from 'commander';

/** What the demo was asked for. */
export interface DemoOptions {
  /** Calls in progress when the node dies: a third each to an application, bridged by ARI, joined by `Dial`. */
  readonly calls: number;
  readonly nodes: number;
  /** Whether the nodes write billing records into Postgres (docs/billing.md). */
  readonly billing: boolean;
  /** File that gets the summary as JSON. */
  readonly json?: string;
}

/** @throws CommanderError for a wrong command line, and for `--help`. */
export function readOptions(argv: readonly string[]): DemoOptions {
  const program = new Command('demo')
    .description('Real calls through a real cluster; a node is killed; the phones keep talking.')
    .option('--calls <n>', 'calls in progress when the node dies', atLeast(3, 1_000), 60)
    .option('--nodes <n>', 'Asterisk nodes', atLeast(2, 20), 3)
    .option('--billing', 'every node writes call and event records into Postgres', false)
    .option('--json <file>', 'write the summary as JSON to this file', writableFile)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return program.opts<DemoOptions>();
}
