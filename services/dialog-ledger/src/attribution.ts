import { captureIdsOf, codedError, type NodeConfig } from '@reinvite/runtime';
import { canonicalAddress, type HepPacket } from '@reinvite/sip';

/** What the configuration says of a node that is of use here. */
export type CapturedNode = Pick<NodeConfig, 'id' | 'sipAddresses' | 'hepCaptureId'>;

/** A node and what its captures are known by. */
interface KnownNode {
  readonly id: string;
  /** In canonical form. */
  readonly addresses: ReadonlySet<string>;
}

/** Where a capture came from. */
export interface Capture {
  readonly packet: Pick<HepPacket, 'captureId' | 'captureName' | 'source' | 'destination'>;
  /** Address that the capture itself was sent from, in canonical form; a relay's, where there is one. */
  readonly sender: string;
}

/**
 * Says which node captured a message: two nodes that talk to each other both capture what is said, and each message is
 * evidence for the dialog of the one that captured it.
 *
 * 1. A capture id that is configured decides alone.
 * 2. A capture id that no node has, as the edge's own capture may, is never one of a node that has an id of its own.
 * 3. Else the address decides, if one end alone is a node's; if both are, the capture name (where it is a node's id), then
 *    the address that the capture came from.
 * 4. What is still open then is not guessed.
 *
 * A correlation id says nothing here: the two legs of a B2BUA share it.
 */
export class Attribution {
  private readonly byCaptureId = new Map<number, KnownNode>();
  private readonly byAddress = new Map<string, KnownNode>();
  private readonly byId = new Map<string, KnownNode>();
  private readonly withCaptureId = new Set<KnownNode>();

  /** @throws CodedError `CONFIG_INVALID` for a SIP address that is none: HEP carries numbers only. */
  constructor(nodes: readonly CapturedNode[]) {
    for (const config of nodes) {
      const { id, sipAddresses } = config;
      const node = { id, addresses: new Set(sipAddresses.map((address) => numeric(id, address))) };
      this.byId.set(id, node);
      for (const address of node.addresses) this.byAddress.set(address, node);
      for (const captureId of captureIdsOf(config)) {
        this.byCaptureId.set(captureId, node);
        this.withCaptureId.add(node);
      }
    }
  }

  /** @returns null where it cannot be told. */
  nodeOf({ packet, sender }: Capture): KnownNode | null {
    const { captureId, captureName } = packet;
    const named = captureId === null ? undefined : this.byCaptureId.get(captureId);
    if (named !== undefined) return named;
    const possible = this.ends(packet).filter((node) => captureId === null || !this.withCaptureId.has(node));
    const [only, other] = possible;
    if (only === undefined || other === undefined) return only ?? null;
    const hinted = [this.byId.get(captureName ?? ''), this.byAddress.get(sender)];
    return hinted.find((node) => node !== undefined && possible.includes(node)) ?? null;
  }

  private ends({ source, destination }: Capture['packet']): KnownNode[] {
    const ends = [source, destination].flatMap(({ address }) => this.at(address) ?? []);
    return [...new Set(ends)];
  }

  private at(address: string): KnownNode | undefined {
    return this.byAddress.get(canonicalAddress(address) ?? '');
  }
}

function numeric(nodeId: string, address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === null)
    throw codedError('CONFIG_INVALID', `nodes.${nodeId}.sipAddresses: "${address}" is no IP address`);
  return canonical;
}
