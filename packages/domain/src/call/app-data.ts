/**
 * Splits the arguments of a dialplan application at its commas, as Asterisk does (`AST_STANDARD_RAW_ARGS`): not within parentheses,
 * brackets or quotes, which it counts each by itself, and not after a backslash. What is never closed goes on to the end.
 */
export function splitArguments(appData: string): string[] {
  const parts = [''];
  let parentheses = 0;
  let brackets = 0;
  let quoted = false;
  for (let i = 0; i < appData.length; i += 1) {
    const char = appData.charAt(i);
    if (char === '\\') {
      append(parts, appData.slice(i, i + 2));
      i += 1;
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (char === '(') parentheses += 1;
    else if (char === ')') parentheses = Math.max(0, parentheses - 1);
    else if (char === '[') brackets += 1;
    else if (char === ']') brackets = Math.max(0, brackets - 1);
    if (char === ',' && parentheses === 0 && brackets === 0 && !quoted) parts.push('');
    else append(parts, char);
  }
  return parts;
}

/** The options of an application, each a letter, with what stands in parentheses after it. */
export function optionsOf(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (let i = 0; i < text.length; i += 1) {
    const option = text.charAt(i);
    if (text.charAt(i + 1) !== '(') {
      options.set(option, '');
      continue;
    }
    let depth = 0;
    let end = i + 1;
    for (; end < text.length; end += 1) {
      if (text.charAt(end) === '(') depth += 1;
      else if (text.charAt(end) === ')') depth -= 1;
      if (depth === 0) break;
    }
    options.set(option, text.slice(i + 2, end));
    i = end;
  }
  return options;
}

/** The ARI application that `Stasis(app,…)` hands the channel to; null where none is named. */
export function stasisAppOf(appData: string): string | null {
  const app = (splitArguments(appData)[0] ?? '').trim();
  return app === '' ? null : app;
}

function append(parts: string[], text: string): void {
  parts[parts.length - 1] += text;
}
