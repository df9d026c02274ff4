/** What `core show taskprocessors` says of one of them. */
export interface TaskCount {
  /** Tasks done since it was made. */
  readonly processed: number;
  readonly waiting: number;
}

const ROW = /^(\S.*?)\s+(\d+)\s+(\d+)\s+\d+\s+\d+\s+\d+/;

/**
 * Reads what Asterisk's command line prints for `core show taskprocessors`: a row for each, with its name, how many tasks it has
 * done and how many wait.
 * @returns undefined where it is not such a table.
 */
export function readTasks(text: string): ReadonlyMap<string, TaskCount> | undefined {
  const rows = text.split('\n').flatMap((line): [string, TaskCount][] => {
    const [, name, processed, waiting] = ROW.exec(line) ?? [];
    if (name === undefined) return [];
    return [[name, { processed: Number(processed), waiting: Number(waiting) }]];
  });
  return rows.length === 0 ? undefined : new Map(rows);
}

/**
 * Whether Asterisk gets on: nothing waits, or something was done since the look before. Where tasks wait and there was no look
 * before, it is not known yet: false.
 */
export function getsOn(
  before: ReadonlyMap<string, TaskCount> | undefined,
  now: ReadonlyMap<string, TaskCount>,
): boolean {
  if ([...now.values()].every(({ waiting }) => waiting === 0)) return true;
  if (before === undefined) return false;
  const isNewOrFurther = ([name, { processed }]: [string, TaskCount]): boolean =>
    processed > (before.get(name)?.processed ?? -1);
  return [...now].some(isNewOrFurther) || [...before.keys()].some((name) => !now.has(name));
}
