import type { Logger } from '@reinvite/runtime';
import { z } from 'zod';

/** Of Kamailio's `dispatcher.list`, as its JSON-RPC gives it. */
const listed = z.object({
  result: z.object({
    RECORDS: z.array(
      z.object({
        SET: z.object({
          TARGETS: z.array(z.object({ DEST: z.object({ URI: z.string(), FLAGS: z.string() }) })),
        }),
      }),
    ),
  }),
});

/** What the edges say of a node: `active` where one of them is answered by it. Silence of an edge is no vote. */
export type EdgeWord = 'active' | 'nothing';

export interface EdgeWitnessOptions {
  readonly rpcUrls: readonly string[];
  /** An edge that takes longer for its answer says nothing. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/**
 * Asks every edge what its dispatcher knows of a node.
 * @param addresses from which the node sends SIP, and where it takes it.
 */
export async function askEdges(
  addresses: readonly string[],
  { rpcUrls, timeoutMs, log }: EdgeWitnessOptions,
): Promise<EdgeWord> {
  const words = await Promise.all(
    rpcUrls.map(async (rpcUrl): Promise<EdgeWord> => {
      try {
        return wordOf(await list(rpcUrl, timeoutMs), addresses);
      } catch (err) {
        log.debug({ err, rpcUrl }, 'an edge does not say what it knows of the nodes');
        return 'nothing';
      }
    }),
  );
  return words.includes('active') ? 'active' : 'nothing';
}

/**
 * What an answer says of a node. Only a target that is active (`A`) and probed (`P`) has answered lately; one that is not probed
 * is active because nobody said otherwise.
 */
export function wordOf(answer: unknown, addresses: readonly string[]): EdgeWord {
  const parsed = listed.safeParse(answer);
  if (!parsed.success) return 'nothing';
  const targets = parsed.data.result.RECORDS.flatMap(({ SET }) => SET.TARGETS.map(({ DEST }) => DEST));
  const isActive = targets.some(({ URI, FLAGS }) => FLAGS === 'AP' && addresses.includes(hostOf(URI)));
  return isActive ? 'active' : 'nothing';
}

/** Host of a SIP URI without user, brackets of IPv6 taken off. */
function hostOf(uri: string): string {
  const [, host = ''] = /^sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;?]+)/i.exec(uri) ?? [];
  return host.replace(/^\[|\]$/g, '');
}

async function list(rpcUrl: string, timeoutMs: number): Promise<unknown> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'dispatcher.list' }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return response.json();
}
