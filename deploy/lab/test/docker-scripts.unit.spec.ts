import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';

const DOCKER = new URL('../../docker/', import.meta.url).pathname;

/** What the images' render.sh makes of a file. */
async function render(template: string, values: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'reinvite-render-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await mkdir(path.join(dir, 'from'));
  await writeFile(path.join(dir, 'from', 'a.conf'), template);
  const env = { PATH: process.env.PATH, ...values };
  await promisify(execFile)('sh', [`${DOCKER}render.sh`, path.join(dir, 'from'), path.join(dir, 'to')], {
    env,
  });
  return readFile(path.join(dir, 'to', 'a.conf'), 'utf8');
}

describe('render.sh', () => {
  it.each(['a|b', 'a&b', 'a\\1\\n\\&b', 'it\'s "quoted"', '@OTHER@', '$HOME `id` ;#%', 'two\nlines'])(
    'puts %j in to the letter',
    async (value) => {
      expect(
        await render('x = @ONE@;\ny = @ONE@@TWO@ @ none@\n', { ONE: value, TWO: '2', OTHER: 'no' }),
      ).toBe(`x = ${value};\ny = ${value}2 @ none@\n`);
    },
  );

  it('refuses what has no value, and names it', async () => {
    await expect(render('@ONE@ @MISSING@', { ONE: '1' })).rejects.toThrow(/MISSING is not set/);
  });
});

describe('kamailio.sh', () => {
  it('writes passwords of phones as strings that Kamailio reads back', async () => {
    const script = await readFile(`${DOCKER}kamailio.sh`, 'utf8');
    const start = script.indexOf("PASSWORDS=''");
    const part = `${script.slice(start, script.indexOf('\nset +f'))}\nprintf '%s' "$PASSWORDS"`;
    const PHONES = 'alice:a|b&"c\\d bob:* carol:x:y';
    const { stdout } = await promisify(execFile)('sh', ['-euc', part], {
      env: { PATH: process.env.PATH, PHONES },
      cwd: '/',
    });
    expect(stdout).toBe(
      [
        ' $sht(password=>alice) = "a|b&\\"c\\\\d";',
        ' $sht(password=>bob) = "*";',
        ' $sht(password=>carol) = "x:y";',
      ].join(''),
    );
  });
});
