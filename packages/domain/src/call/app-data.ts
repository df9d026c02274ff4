/**
 * Splits the arguments of a dialplan application at its commas, as Asterisk does: not within parentheses or quotes, and
 * not after a backslash.
 */
export function splitArguments(appData: string): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < appData.length; i += 1) {
    const char = appData.charAt(i);
    if (char === '\\') {
      append(parts, appData.slice(i, i + 2));
      i += 1;
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (!quoted && char === '(') depth += 1;
    else if (!quoted && char === ')') depth = Math.max(0, depth - 1);
    if (char === ',' && depth === 0 && !quoted) parts.push('');
    else append(parts, char);
  }
  return parts;
}

/** True where `Dial(…,…,options)` has the option `g`: the dialplan goes on when the callee hangs up. */
export function dialGoesOn(appData: string): boolean {
  return withoutParentheses(splitArguments(appData)[2] ?? '').includes('g');
}

/** The ARI application that `Stasis(app,…)` hands the channel to; null where none is named. */
export function stasisAppOf(appData: string): string | null {
  const app = (splitArguments(appData)[0] ?? '').trim();
  return app === '' ? null : app;
}

function append(parts: string[], text: string): void {
  parts[parts.length - 1] += text;
}

function withoutParentheses(options: string): string {
  let depth = 0;
  let rest = '';
  for (const char of options) {
    if (char === '(') depth += 1;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) rest += char;
  }
  return rest;
}
