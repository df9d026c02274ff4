import { isCoded } from '@reinvite/runtime';
import type { Target } from './target.js';

/** Channels in an ARI bridge; none in one that does not exist. @throws as `AriBridges.get` otherwise. */
export async function membersOf(
  target: Pick<Target, 'request'>,
  bridgeId: string,
): Promise<readonly string[]> {
  try {
    return (await target.request((ari) => ari.bridges.get(bridgeId))).channelIds;
  } catch (error) {
    if (isCoded(error, 'ARI_NOT_FOUND')) return [];
    throw error;
  }
}
