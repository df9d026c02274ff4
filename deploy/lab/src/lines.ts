import type { Readable, Writable } from 'node:stream';
import type { z } from 'zod';

/** Writes one message as a line of JSON. */
export function sendLine(stream: Writable, message: object): void {
  stream.write(`${JSON.stringify(message)}\n`);
}

/**
 * The messages on a stream, each checked against the schema; ends with the stream. Whoever stops reading before that
 * leaves the stream open.
 */
export async function* readLines<T extends z.ZodType>(
  stream: Readable,
  schema: T,
): AsyncGenerator<z.infer<T>> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield schema.parse(JSON.parse(line));
  }
}
