import type { Lab } from '@reinvite/lab';

/** What the edge says of the nodes, and whether it asks them. */
export interface Edge {
  /** Flags of a node in Kamailio's dispatcher: the first is `A` (active), `I` (inactive) …, the second `P` where it is probed. */
  flagsOf(node: string): Promise<string>;
  /** Whether the edge probes the nodes. */
  probes(on: boolean): Promise<void>;
}

interface Listing {
  readonly RECORDS: readonly {
    readonly SET: {
      readonly TARGETS: readonly { readonly DEST: { readonly URI: string; readonly FLAGS: string } }[];
    };
  }[];
}

export function edgeOf({ info }: Lab): Edge {
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => {
    const response = await fetch(info.edgeRpc ?? '', {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result?: unknown; error?: unknown };
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  };
  return {
    flagsOf: async (node) => {
      const { RECORDS } = (await ask('dispatcher.list')) as Listing;
      const targets = RECORDS.flatMap(({ SET }) => SET.TARGETS);
      const uri = `sip:${info.hosts[node]?.address}:5060`;
      return targets.find(({ DEST }) => DEST.URI === uri)?.DEST.FLAGS ?? '';
    },
    probes: async (on) => {
      await ask('dispatcher.ping_active', on ? 1 : 0);
    },
  };
}
