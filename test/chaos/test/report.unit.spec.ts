import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { testDirectory } from '@reinvite/test-support';
import { describe, expect, it } from 'vitest';
import { check } from '../src/check/check.js';
import type { Evidence } from '../src/check/evidence.js';
import { FAULTS } from '../src/draw/catalogue.js';
import { scheduleOf } from '../src/draw/schedule.js';
import { documentation } from '../src/report/docs.js';
import { joinedRows, readRun } from '../src/report/joined.js';
import { isGood, printed, resultOf } from '../src/report/result.js';
import { app, calm, DEATH, evidence } from './run.js';

function reported(seen: Evidence, fault: string) {
  const schedule = scheduleOf({ seed: 1, forMs: 10_000, faults: [fault], nodes: ['ast1', 'ast2', 'ast3'] });
  return resultOf(check(seen), { seed: 1, seconds: 10, schedule, began: DEATH - 8_000 });
}

describe('a result', () => {
  it('has the sums that programs ask for', () => {
    expect(reported(evidence(), 'node-killed')).toMatchObject({
      faults: 1,
      recovered: 1,
      lost: 0,
      doubled: 0,
      wrongTakeovers: 0,
    });
  });

  it('is good without a difference, and not without a fault', () => {
    expect(isGood(reported(evidence(), 'node-killed'))).toBe(true);
    expect(isGood(reported(evidence({ calls: [app([])] }), 'node-killed'))).toBe(false);
    expect(
      isGood(
        reported(evidence({ injected: [], calls: [], recoveries: [], deaths: [], lives: [] }), 'node-killed'),
      ),
    ).toBe(false);
  });

  it('is not good where no call was at stake', () => {
    const idle = reported(evidence({ calls: [], recoveries: [] }), 'node-killed');
    expect(idle.differences).toEqual([]);
    expect(isGood(idle)).toBe(false);
    expect(printed(idle)).toContain('no call was at stake');
    expect(isGood(reported(calm({ calls: [] }), 'sentinel-hung'))).toBe(false);
    expect(isGood(reported(calm(), 'sentinel-hung'))).toBe(true);
  });

  it('is printed with every difference and when it was', () => {
    expect(printed(reported(evidence(), 'node-killed'))).toContain(
      'differences between phones, Asterisks and audit: none',
    );
    const text = printed(reported(evidence({ calls: [app([])] }), 'node-killed'));
    expect(text).toContain('8.0 s lost 10001: app on ast1: caller: no re-INVITE came');
    expect(text).toContain('audit-recovered 10001');
  });

  it('becomes a page, deaths apart from what nobody may notice', () => {
    expect(documentation([reported(evidence(), 'node-killed')])).toContain(
      '| `node-killed` | kill -9 of an Asterisk | 1 | 1 | 1 | 0 | 0 | 0 |',
    );
    expect(documentation([reported(calm(), 'sentinel-hung')])).toContain(
      '| `sentinel-hung` | SIGSTOP of a sentinel for 5 s | 1 | 1 | 0 | 0 | 0 |',
    );
  });

  it('counts several runs together', () => {
    const run = reported(evidence(), 'node-killed');
    const text = documentation([run, run, reported(calm(), 'sentinel-hung')]);
    expect(text).toContain('This page is of 3 runs');
    expect(text).toContain('| `node-killed` | kill -9 of an Asterisk | 2 | 2 | 2 | 0 | 0 | 0 |');
  });

  it('says of a fault that was not injected that it was not', () => {
    const text = documentation([reported(evidence(), 'node-killed')]);
    for (const { id, title } of FAULTS)
      expect(text).toContain(`| \`${id}\` | ${title} | ${id === 'node-killed' ? 1 : 0} |`);
  });

  it('is read back from its file, and nothing else is', async () => {
    const directory = testDirectory('chaos-');
    const file = path.join(directory, 'run.json');
    const run = reported(evidence(), 'node-killed');
    await writeFile(file, JSON.stringify(run));
    expect(joinedRows([await readRun(file)])).toEqual(run.rows);
    for (const text of ['{}', 'no JSON', '{"seed":1,"seconds":1,"rows":[{}],"differences":[]}']) {
      await writeFile(file, text);
      await expect(readRun(file)).rejects.toThrow('is no result of a run');
    }
  });
});
