import type { NodeDown } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import { z } from 'zod';
import { askEdge } from './edge-rpc.js';

/** Later than this the edge knows by itself, and the node may be back. */
const NEWS_MS = 5_000;
/** Not chosen, and probed: the node's first answer to a probe makes it active again. */
const INACTIVE_AND_PROBED = 'ip';

/** Of Kamailio's `dispatcher.list`. */
const listing = z.object({
  RECORDS: z.array(
    z.object({
      SET: z.object({
        ID: z.number(),
        TARGETS: z.array(z.object({ DEST: z.object({ URI: z.string(), FLAGS: z.string() }) })),
      }),
    }),
  ),
});

export interface EdgeNodesOptions {
  readonly rpcUrls: readonly string[];
  /** From which the node sends SIP, and where it takes it; none where it is not configured. */
  readonly addressesOf: (nodeId: string) => readonly string[];
  /** Whether another life of the node is known to run. */
  readonly isBack: (down: NodeDown) => boolean;
  readonly log: Logger;
}

/**
 * Tells every edge that a node is dead, so that no new call is sent there: by its own probes the edge learns it after some seconds,
 * and each call until then waits for its timer. The edge takes the node back by itself as soon as that answers a probe. Never
 * rejects: nothing depends on it.
 */
export async function tellEdgesOfDeath(down: NodeDown, options: EdgeNodesOptions): Promise<void> {
  const { rpcUrls, addressesOf, isBack, log } = options;
  const { nodeId, incarnation, at } = down;
  const addresses = addressesOf(nodeId);
  if (addresses.length === 0 || Date.now() - at > NEWS_MS || isBack(down)) return;
  await Promise.all(
    rpcUrls.map(async (rpcUrl) => {
      try {
        const targets = await deactivate(rpcUrl, addresses);
        log.debug({ nodeId, incarnation, rpcUrl, targets }, 'the edge sends no new calls to a dead node');
      } catch (err) {
        log.warn({ err, nodeId, incarnation, rpcUrl }, 'an edge could not be told that a node is dead');
      }
    }),
  );
}

/** Asks every edge once, so that the first death finds the way there open, and the log says where there is none. Never rejects. */
export async function greetEdges({ rpcUrls, log }: Pick<EdgeNodesOptions, 'rpcUrls' | 'log'>): Promise<void> {
  await Promise.all(
    rpcUrls.map(async (rpcUrl) => {
      try {
        listing.parse((await askEdge(rpcUrl, 'dispatcher.list')).result);
      } catch (err) {
        log.warn({ err, rpcUrl }, 'an edge does not tell which nodes it knows');
      }
    }),
  );
}

/** @returns how many targets were active. @throws CodedError `EDGE_FAILED` */
async function deactivate(rpcUrl: string, addresses: readonly string[]): Promise<number> {
  const { RECORDS } = listing.parse((await askEdge(rpcUrl, 'dispatcher.list')).result);
  const active = RECORDS.flatMap(({ SET }) =>
    SET.TARGETS.filter(({ DEST }) => DEST.FLAGS.startsWith('A') && addresses.includes(hostOf(DEST.URI))).map(
      ({ DEST }) => [INACTIVE_AND_PROBED, SET.ID, DEST.URI],
    ),
  );
  for (const params of active) await askEdge(rpcUrl, 'dispatcher.set_state', params);
  return active.length;
}

/** Host of a SIP URI, brackets of IPv6 taken off. */
function hostOf(uri: string): string {
  const [, host = ''] = /^sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;?]+)/i.exec(uri) ?? [];
  return host.replace(/^\[|\]$/g, '');
}
