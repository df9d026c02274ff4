import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const SETUP = new URL('../dist/orphan-setup.js', import.meta.url).href;

it('a process of tests ends when the one that has started it is gone, whatever it is doing', async () => {
  const busy = `await import(${JSON.stringify(SETUP)}); setInterval(() => undefined, 1_000); process.send('busy');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', busy], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    await once(child, 'message');
    const ended = once(child, 'exit');
    child.disconnect();
    expect(await ended).toEqual([null, 'SIGKILL']);
  } finally {
    child.kill('SIGKILL');
  }
});
