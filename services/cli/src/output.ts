import { isCoded } from '@reinvite/runtime';

/** What the command line writes to; the standard streams, or a test's own. */
export interface Output {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

export const standardOutput: Output = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
};

/** Exit codes of the `reinvite` command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** The command line or the configuration is wrong; nothing was started. */
  usage: 2,
  /** A recovery request was answered with a refusal. */
  refused: 3,
  /** What is needed did not answer; asking again later may help. */
  unavailable: 4,
} as const;

const WRONG_USAGE: ReadonlySet<string> = new Set(['USAGE_INVALID', 'CONFIG_INVALID', 'CONFIG_UNREADABLE']);

/** The exit code for an error that ends a command. */
export function exitCodeOf(error: unknown): number {
  if (!isCoded(error)) return EXIT.failed;
  if (WRONG_USAGE.has(error.code)) return EXIT.usage;
  return error.class === 'retryable' ? EXIT.unavailable : EXIT.failed;
}

/** One line for a person; the causes of a coded error are in the log. */
export function errorLine(error: unknown): string {
  return `reinvite: ${error instanceof Error ? error.message : String(error)}`;
}
