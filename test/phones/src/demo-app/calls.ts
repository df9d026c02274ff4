/** What the demo application knows of its calls: who belongs together. Pure, and the same for every node. */

export type DemoCallKind = 'app' | 'bridge';

interface Leg {
  readonly channelId: string;
  readonly node: string;
}

interface DemoCall {
  readonly kind: DemoCallKind;
  /** ARI id of the bridge of a pair. */
  readonly bridgeId: string;
  readonly legs: Map<string, Leg>;
}

/** What is to be done when a leg has ended. */
export interface Ending {
  readonly node: string;
  readonly bridgeId: string;
  readonly hangUp: readonly string[];
}

/**
 * Calls by callId. An application that is to survive the death of its Asterisk keeps its state under something that
 * outlives the channel: the SIP Call-ID of the call's first leg, which comes back in `recovered,<callId>`.
 */
export class DemoCalls {
  private readonly calls = new Map<string, DemoCall>();

  begin(callId: string, kind: DemoCallKind, bridgeId = ''): void {
    this.calls.set(callId, { kind, bridgeId, legs: new Map() });
  }

  /** Undefined for a call that began before this application did. */
  kindOf(callId: string): DemoCallKind | undefined {
    return this.calls.get(callId)?.kind;
  }

  enter(callId: string, node: string, channelId: string): void {
    this.calls.get(callId)?.legs.set(channelId, { channelId, node });
  }

  /** The call of a channel, by its id. */
  callIdOf(channelId: string): string | undefined {
    for (const [callId, call] of this.calls) if (call.legs.has(channelId)) return callId;
    return undefined;
  }

  /** A leg has ended while its node lives: the other one ends too. Undefined where the channel is in no call. */
  leave(channelId: string): Ending | undefined {
    const callId = this.callIdOf(channelId);
    const call = callId === undefined ? undefined : this.calls.get(callId);
    const leg = call?.legs.get(channelId);
    if (callId === undefined || call === undefined || leg === undefined) return undefined;
    this.calls.delete(callId);
    const others = [...call.legs.values()].filter((other) => other !== leg && other.node === leg.node);
    return { node: leg.node, bridgeId: call.bridgeId, hangUp: others.map((other) => other.channelId) };
  }

  /** A node is gone: its channels are, but not its calls, for they may come back. */
  nodeGone(node: string): void {
    for (const call of this.calls.values()) {
      for (const leg of call.legs.values()) if (leg.node === node) call.legs.delete(leg.channelId);
    }
  }
}
