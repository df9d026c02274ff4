import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';

/** Readers of option arguments, for commander. Each throws its `InvalidArgumentError`, which says what is wanted. */

export function atLeast(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is wanted`);
  };
}

/** Separated by commas. */
export function wholeNumbers(least: number, most: number): (text: string) => number[] {
  const one = atLeast(least, most);
  return (text) => text.split(',').map(one);
}

/** Without regard to case. */
export function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new InvalidArgumentError('it is no regular expression');
  }
}

/** A file that can be written, be it there or not: found out before the run, not after. */
export function writableFile(file: string): string {
  const target = path.resolve(file);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw new InvalidArgumentError('it is a directory');
  try {
    accessSync(found === undefined ? path.dirname(target) : target, constants.W_OK);
  } catch {
    throw new InvalidArgumentError('it cannot be written');
  }
  return file;
}
