import type { Case } from '../cases/case.js';
import type { TracedMessage } from '../judge/trace.js';
import type { AuditEntry } from './audit.js';

/** Addresses of the hosts, to tell in a message who is who. */
export interface Hosts {
  /** Both addresses of each node, by its name. */
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  readonly edge: readonly string[];
  readonly proxy: readonly string[];
}

/** The death of a node; epoch ms. */
export interface Crash {
  readonly node: string;
  readonly at: number;
}

/** All that is known of one case once it has been played: what its phone sent and received, and what the audit says. */
export interface Witness {
  readonly test: Case;
  readonly hosts: Hosts;
  readonly trace: readonly TracedMessage[];
  /** The deaths of nodes in the play, in order. */
  readonly crashes: readonly Crash[];
  readonly audit: readonly AuditEntry[];
  /** The phone had come as far as the crash wanted it. */
  readonly ready: boolean;
  /** What went wrong with the play itself; empty where nothing did. */
  readonly trouble: string;
  /** What SIPp complained of, for whoever has to find out why a case failed. */
  readonly complaints: string;
}

export function hostsOf(
  hosts: Readonly<Record<string, { role: string; address: string; address6: string }>>,
): Hosts {
  const both = (name: string): string[] => {
    const host = hosts[name];
    return host === undefined ? [] : [host.address, host.address6];
  };
  const nodes = Object.keys(hosts).filter((name) => hosts[name]?.role === 'node');
  return {
    nodes: new Map(nodes.map((name) => [name, both(name)])),
    edge: both('edge'),
    proxy: both('proxy'),
  };
}
