import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { render } from '../src/supervisor/template.js';

const DEPLOY = path.resolve(import.meta.dirname, '..', '..');

describe('a template', () => {
  it('is filled in, next to an address of the form user@host too', () => {
    expect(
      render('sip:phone@@EDGE_ADDRESS@ @EDGE_ADDRESS@:@PORT@', { EDGE_ADDRESS: '10.0.0.1', PORT: '5060' }),
    ).toBe('sip:phone@10.0.0.1 10.0.0.1:5060');
  });

  it('takes values as they are, whatever they look like', () => {
    expect(render('@A@', { A: '$& @B@' })).toBe('$& @B@');
  });

  it('is refused with a placeholder that has no value', () => {
    expect(() => render('@NOBODY@', {})).toThrow(/LAB_START_FAILED.*@NOBODY@/);
  });

  it.each(['asterisk', 'kamailio', 'lab/asterisk', 'lab/kamailio'])(
    'of deploy/%s leaves Asterisk and Kamailio variables alone',
    async (directory) => {
      const values = new Proxy({}, { get: () => 'x' });
      for (const name of (await readdir(path.join(DEPLOY, directory))).filter((file) =>
        /\.(conf|cfg)$/.test(file),
      )) {
        const text = await readFile(path.join(DEPLOY, directory, name), 'utf8');
        const variables = (source: string): number => (source.match(/\$[{a-z(]/g) ?? []).length;
        expect(variables(render(text, values)), name).toBe(variables(text));
      }
    },
  );
});
