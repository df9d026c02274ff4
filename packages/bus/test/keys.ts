import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createNkey } from '../src/access.js';
import { permissions } from '../src/permissions.js';
import { authorizationBlock } from '../src/server-config.js';

/** Keys for every account of these nodes, in files, and the server's configuration that goes with them. */
export async function makeKeys(
  nodeIds: readonly string[],
): Promise<{ nkeyFile: string; authorization: string }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'reinvite-nkeys-'));
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
