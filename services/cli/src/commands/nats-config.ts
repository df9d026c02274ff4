import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { authorizationBlock, createNkey, permissions, publicKeyIn } from '@reinvite/bus';
import { codedError, fileFor, loadConfig } from '@reinvite/runtime';
import type { Output } from '../output.js';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/**
 * `reinvite nats-config`: prints the `authorization` block for nats-server: who may say and hear what, with the public key of
 * every account. A seed that is not there yet is made where `nats.nkeyFile` says.
 * @throws CodedError `CONFIG_*`; `CONFIG_INVALID` also where the configuration does not tell one account's seed from another's.
 */
export async function natsConfig(options: { readonly config: string }, output: Output): Promise<void> {
  const { nats, nodes } = await loadConfig(options.config);
  const { nkeyFile } = nats;
  if (nkeyFile === undefined || !nkeyFile.includes('{service}'))
    throw codedError(
      'CONFIG_INVALID',
      'nats.nkeyFile has to name a file for each account, with "{service}" in it',
    );
  const table = permissions(nodes);
  const keys = new Map<string, string>();
  for (const account of table.keys()) keys.set(account, await keyOf(fileFor(nkeyFile, account)));
  output.out(authorizationBlock(table, (account) => keys.get(account) ?? ''));
}

/** A seed that is there is never written over. */
async function keyOf(file: string): Promise<string> {
  const { seed, publicKey } = createNkey();
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    await writeFile(file, `${seed}\n`, { mode: OWNER_ONLY, flag: 'wx' });
    return publicKey;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return publicKeyIn(file);
    throw codedError('CONFIG_UNREADABLE', `nats.nkeyFile: cannot write ${file}`, { file }, cause);
  }
}
