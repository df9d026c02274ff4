import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createNkey } from '../src/access.js';
import { permissions } from '../src/permissions.js';
import { authorizationBlock } from '../src/server-config.js';

/** Keys for every account of these nodes, in files of this directory, and the server's configuration that goes with them. */
export async function makeKeys(
  dir: string,
  nodeIds: readonly string[],
): Promise<{ nkeyFile: string; authorization: string }> {
  const table = permissions(nodeIds.map((id) => ({ id })));
  const keys = new Map<string, string>();
  for (const account of table.keys()) {
    const { seed, publicKey } = createNkey();
    await writeFile(path.join(dir, `${account}.nk`), seed, { mode: 0o600 });
    keys.set(account, publicKey);
  }
  return {
    nkeyFile: path.join(dir, '{service}.nk'),
    authorization: authorizationBlock(table, (account) => keys.get(account) ?? ''),
  };
}
