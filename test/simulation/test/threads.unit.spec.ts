import { Command } from 'commander';
import { expect, test } from 'vitest';
import { parseOptions } from '../src/index.js';
import { playInThreads } from '../src/threads.js';

const HEAD = `
  import { parentPort, workerData } from 'node:worker_threads';
  const tellAll = ({ from, end, step }) => {
    for (let seed = from; seed < end; seed += step) parentPort.postMessage({ seed });
  };`;

const writeErr = (): void => undefined;

async function played(body: string): Promise<number[]> {
  const seeds: number[] = [];
  await playInThreads({
    from: 5,
    seeds: 7,
    threads: 2,
    script: new URL(`data:text/javascript,${encodeURIComponent(HEAD + body)}`),
    onTold: ({ seed }) => seeds.push(seed),
  });
  return seeds.sort((a, b) => a - b);
}

test('every seed is played in one of the threads', async () => {
  expect(await played('tellAll(workerData)')).toEqual([5, 6, 7, 8, 9, 10, 11]);
});

test('a thread that fails fails the run, also when it has told of every seed', async () => {
  await expect(played('tellAll(workerData); process.exit(3)')).rejects.toThrow('a thread ended with code 3');
  await expect(played('tellAll(workerData); throw new Error("broken")')).rejects.toThrow('broken');
});

test('a thread that ends before it has told of every seed fails the run', async () => {
  await expect(played('tellAll({ ...workerData, end: 10 })')).rejects.toThrow(
    'nothing was told of 2 of 7 seeds, the first of them 10',
  );
});

test('no seeds at all are no run', () => {
  const parsed = (seeds: string) =>
    parseOptions(
      ['--seeds', seeds, '--from', '0'],
      new Command().exitOverride().configureOutput({ writeErr }),
    );
  expect(parsed('3')).toMatchObject({ seeds: 3, from: 0 });
  expect(() => parsed('0')).toThrow('at least one');
});
