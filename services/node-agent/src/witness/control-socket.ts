import { connect } from 'node:net';

/** A command line that says more than this is not the one that was asked. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Why there is no answer: nobody can be asked there at all, or somebody was and is silent. */
export type NoAnswer = 'cannot-ask' | 'silent';

/**
 * Gives one command to Asterisk's control socket, as `asterisk -rx` does: the server greets with a line (`host/pid/version`), gets
 * `cli quit after <command>` and a NUL, prints, and closes. Always resolves.
 */
export function askControlSocket(
  path: string,
  command: string,
  timeoutMs: number,
): Promise<{ readonly text: string } | NoAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    let said = '';
    const settle = (result: { readonly text: string } | NoAnswer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => settle('silent'), timeoutMs);
    socket.setEncoding('utf8');
    socket.once('data', () => socket.write(`cli quit after ${command}\0`));
    socket.on('data', (text: string) => {
      said += text;
      if (said.length > MAX_BYTES) settle('silent');
    });
    socket.once('end', () => settle({ text: said }));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      settle(isAbsent(code) ? 'cannot-ask' : 'silent'),
    );
  });
}

/** A socket whose queue is full (`EAGAIN`) is there, and nobody takes from it. */
function isAbsent(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'EACCES' || code === 'EPERM' || code === 'ECONNREFUSED';
}
