import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  atLeast,
  EXIT,
  readCommandLine,
  regularExpression,
  wholeNumbers,
  writableFile,
  writeJson,
} from '../src/index.js';

describe('the arguments of a command', () => {
  it.each(['0', '11', '1.5', 'x', '', ' '])('are no whole number from 1 to 10: "%s"', (text) => {
    expect(() => atLeast(1, 10)(text)).toThrow(InvalidArgumentError);
    expect(() => wholeNumbers(1, 10)(`2,${text}`)).toThrow('from 1 to 10');
  });

  it('are numbers, and lists of them', () => {
    expect(atLeast(1, 10)('10')).toBe(10);
    expect(wholeNumbers(1, 10)('1,10')).toEqual([1, 10]);
  });

  it('are expressions without regard to case, or refused', () => {
    expect(regularExpression('^Held').test('held by us')).toBe(true);
    expect(() => regularExpression('(')).toThrow(InvalidArgumentError);
  });
});

describe('a file that gets the result', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(path.join(tmpdir(), 'command-line-'))));
  afterEach(() => rm(dir, { recursive: true }));

  it('is refused before the run where it cannot be written', () => {
    expect(() => writableFile(path.join(dir, 'nowhere', 'a.json'))).toThrow('cannot be written');
    expect(() => writableFile(dir)).toThrow('directory');
  });

  it('has the result, and none is written where none was named', async () => {
    const file = writableFile(path.join(dir, 'a.json'));
    await writeJson(file, { passed: 1 });
    await writeJson(undefined, { passed: 2 });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ passed: 1 });
    expect(writableFile(file)).toBe(file);
  });
});

describe('a command line', () => {
  const [code, write] = [process.exitCode, process.stderr.write.bind(process.stderr)];
  beforeEach(() => (process.stderr.write = () => true));
  afterEach(() => {
    process.exitCode = code;
    process.stderr.write = write;
  });

  function read(...argv: string[]): unknown {
    const program = new Command('x').option('--n <n>', 'n', atLeast(1, 2)).exitOverride();
    program.configureOutput({ writeOut: () => undefined });
    return readCommandLine(() => program.parse(argv, { from: 'user' }).opts());
  }

  it('is read, or answered with the exit code that says so', () => {
    expect(read('--n', '2')).toEqual({ n: 2 });
    expect(process.exitCode).toBe(code);
    expect(read('--n', '3')).toBeUndefined();
    expect(process.exitCode).toBe(EXIT.unable);
    expect(read('--help')).toBeUndefined();
    expect(process.exitCode).toBe(EXIT.good);
  });
});
