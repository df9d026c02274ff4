/** Plain lines must not come twenty times a second. */
const PLAIN_LINE_EVERY_MS = 1_000;

/** Passes on every change in a terminal, and a line a second, and the last one, where lines are kept. */
export function throttled(
  write: (line: string) => void,
  terminal: boolean,
): { say: (line: string) => void; end: () => void } {
  let last = '';
  let written = '';
  let at = -Infinity;
  const flush = (): void => {
    if (last === written) return;
    written = last;
    at = performance.now();
    write(last);
  };
  return {
    say: (line) => {
      last = line;
      if (terminal || performance.now() - at >= PLAIN_LINE_EVERY_MS) flush();
    },
    end: flush,
  };
}
