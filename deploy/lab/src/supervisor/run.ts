import { codedError } from '@reinvite/runtime';
import { execa } from 'execa';

/**
 * Runs a short command in the lab's namespaces and gives its output.
 * @throws CodedError `LAB_START_FAILED` with what the command said.
 */
export async function run(command: string, args: readonly string[], input = ''): Promise<string> {
  const result = await execa(command, args, { reject: false, input, all: true });
  if (result.exitCode === 0) return result.stdout;
  throw codedError(
    'LAB_START_FAILED',
    `${command} ${args.join(' ')}: ${result.all.trim() || String(result.exitCode ?? result.signal)}`,
  );
}
