import { readFile } from 'node:fs/promises';
import { codedError, readSecret, type NodeConfig } from '@reinvite/runtime';

/** How to reach the ARI of one Asterisk, without an application. */
export interface AriAccess {
  /** `http://host:8088` or `https://host:8089`, without `/ari`. The host of the latter is verified. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** PEM of an authority to trust in place of those that the system knows. */
  readonly ca?: string | undefined;
}

/**
 * The access that the configuration of a node names, its secrets read.
 * @throws CodedError `CONFIG_INVALID`, `CONFIG_UNREADABLE`
 */
export async function ariAccess({ id, ari }: Pick<NodeConfig, 'id' | 'ari'>): Promise<AriAccess> {
  const { url, username, caFile: file } = ari;
  const password = await readSecret(`ARI password of ${id}`, ari.password, ari.passwordFile);
  if (file === undefined) return { url, username, password };
  try {
    return { url, username, password, ca: await readFile(file, 'utf8') };
  } catch (cause) {
    throw codedError('CONFIG_UNREADABLE', `ari.caFile of ${id}: cannot read ${file}`, { file }, cause);
  }
}
