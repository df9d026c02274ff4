import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/** What a command prints last may come this much later than its end; a process that it has left behind may hold the pipe for ever. */
const LAST_OUTPUT_MS = 200;
const OUTPUT_KEPT = 500;

export interface CommandEnd {
  /** Undefined where it did not end by itself. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** The end of what it printed. */
  readonly output: string;
}

/**
 * Runs a program in a process group of its own. After `timeoutMs`, or when the signal aborts, the whole group is killed. Always
 * resolves, and never later than that, whoever still holds its output.
 */
export async function runCommand(
  program: string,
  given: readonly string[],
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<CommandEnd> {
  const child = execa(program, given, {
    ...{ detached: true, reject: false, stdin: 'ignore', all: true, buffer: false },
  });
  let output = '';
  child.all.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_KEPT);
  });
  const over = new AbortController();
  const settled = Promise.resolve(child).then(({ exitCode }) => exitCode);
  const exited = new Promise<number | undefined>((resolve) => {
    child.once('exit', (code) => resolve(code ?? undefined));
  });
  const late = delay(timeoutMs, 'late' as const, {
    signal: AbortSignal.any([signal, over.signal]),
  }).catch(() => 'late' as const);
  const end = await Promise.race([exited, settled, late]);
  over.abort();
  if (end === 'late') killGroup(child.pid);
  else await Promise.race([settled, delay(LAST_OUTPUT_MS)]);
  for (const stream of [child.all, child.stdout, child.stderr]) stream.destroy();
  return { exitCode: end === 'late' ? undefined : end, timedOut: end === 'late', output };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
