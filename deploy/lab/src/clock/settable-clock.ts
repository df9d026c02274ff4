/**
 * Imported before anything else by a process whose wall clock can be set: `Date` then goes as far ahead of the machine's
 * clock as the file says that the query names. Timers and `performance.now()` go by the monotonic clock, which nothing sets.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { answerFile } from './clock-file.js';

const LOOK_MS = 50;

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const machine = Date;
/** As the file has it, ms. */
let ahead = '';

const now = (): number => machine.now() + Number(ahead);

globalThis.Date = new Proxy(machine, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  apply: () => new machine(now()).toString(),
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
});

setInterval(() => {
  const wanted = whatStandsIn(file);
  if (wanted === ahead) return;
  ahead = wanted;
  const answer = answerFile(file);
  writeFileSync(`${answer}.new`, ahead);
  renameSync(`${answer}.new`, answer);
}, LOOK_MS).unref();

/** Empty until somebody sets it. */
function whatStandsIn(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch {
    return '';
  }
}
