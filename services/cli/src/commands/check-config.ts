import { loadConfig } from '@reinvite/runtime';
import type { Output } from '../output.js';

/**
 * `reinvite check-config`: validates the file and prints what it says, defaults filled in and secrets left out.
 * @throws CodedError `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export async function checkConfig(options: { readonly config: string }, output: Output): Promise<void> {
  output.out(JSON.stringify(await loadConfig(options.config), hideSecret, 2));
}

/** NATS and Postgres URLs may hold a password. */
function hideSecret(key: string, value: unknown): unknown {
  if (key === 'password' && value !== undefined) return '[set]';
  if (key === 'url' && typeof value === 'string') return hideUserInfo(value);
  if (key === 'servers' && Array.isArray(value)) return value.map((server) => hideUserInfo(String(server)));
  return value;
}

function hideUserInfo(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//[set]@');
}
