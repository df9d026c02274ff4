import { Command, InvalidArgumentError } from 'commander';

export interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly trace: boolean;
}

/** @throws CommanderError for what is no option of it, where the process is not to be ended for it. */
export function parseOptions(argv: readonly string[], command = new Command('simulate')): Options {
  return command
    .description(
      "Runs the services' logic on a simulated cluster, once for each seed. Exits 0 if every invariant held.",
    )
    .option('--seeds <n>', 'how many seeds', atLeastOne, 1_000)
    .option('--from <seed>', 'the first of them', whole, 1)
    .option('--trace', 'print what happened, event by event', false)
    .parse([...argv], { from: 'user' })
    .opts<Options>();
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number of at most nine digits');
  return Number(text);
}

function atLeastOne(text: string): number {
  const count = whole(text);
  if (count === 0) throw new InvalidArgumentError('at least one');
  return count;
}
