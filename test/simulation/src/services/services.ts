import type { Config } from '@reinvite/runtime';
import type { Node } from '../asterisk/node.js';
import type { Phone } from '../asterisk/phone.js';
import type { Nats } from '../bus/server.js';
import type { Postgres } from '../store/server.js';
import type { World } from '../world/world.js';
import type { Wrong } from '../wrong.js';

/** What every service of a run is given. */
export interface Services {
  readonly world: World;
  readonly config: Config;
  readonly nats: Nats;
  readonly postgres: Postgres;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly phones: readonly Phone[];
  readonly wrong: Wrong;
  /** When (virtual ms) a sentinel could last talk to so many that they are more than half. */
  readonly majorityOf: (sentinel: string) => number;
  readonly agents: {
    /** The machine of a node is powered off under its agent; it boots again a while later. */
    readonly lose: (nodeId: string) => void;
  };
}

/** How often what has to be done is not done, where a part is wrong on purpose in that way. */
export const LEFT_SHARE = 0.2;
