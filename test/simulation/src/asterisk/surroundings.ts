import type { SimulatedChannel } from './channel.js';
import type { Phone } from './phone.js';

/** Of one node, when (virtual ms) something was last in the way of … */
export interface Troubles {
  /** … its agent's asking the sentinels for a lease; */
  leaseAt: number;
  /** … the sentinels' asking its Asterisk. */
  askAt: number;
  /** When more than half of the sentinels could last talk to its agent, and to each other. */
  majorityAt: number;
}

/** What an Asterisk acts on, and who watches its lives. */
export interface Surroundings<Life> {
  readonly troublesOf: (nodeId: string) => Readonly<Troubles>;
  /** The phone of a SIP Call-ID. */
  readonly phoneOf: (sipCallId: string) => Phone | undefined;
  readonly witness: {
    /** Asterisk has taken an originate, and is about to send the INVITE. */
    originates(life: Life, channel: SimulatedChannel): void;
    /** A life has just ended; its channels are as they were. */
    died(life: Life): void;
  };
}

/**
 * Who kills an Asterisk on purpose, when (virtual ms) that was begun, and by then when something was last in the way of those who
 * might have kept it from that, and when more than half of the sentinels could last talk to whoever asks for it.
 */
export type Killing =
  | { readonly by: 'agent'; readonly declaredDown: boolean; readonly majorityAt: number }
  | { readonly by: 'lease'; readonly troubleAt: number }
  | {
      readonly by: 'command';
      readonly begunAt: number;
      readonly troubleAt: number;
      readonly majorityAt: number;
    };
