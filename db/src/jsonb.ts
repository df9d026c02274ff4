/** What `jsonb` refuses though it is JSON: NUL, and halves of surrogate pairs. */
const REFUSED = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

/**
 * JSON that Postgres takes as `jsonb`, whatever text a peer sent: characters that cannot be stored become U+FFFD.
 * A set of rows goes in as one parameter and is unfolded there by `jsonb_to_recordset`.
 */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value);
  return REFUSED.test(text) ? JSON.stringify(value, storable) : text;
}

function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value.replaceAll('\0', '\uFFFD')).toString() : value;
}
