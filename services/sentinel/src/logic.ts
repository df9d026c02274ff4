/** The service's logic apart from its connections, for a composition other than `sentinel`: the deterministic simulation. */
export { watchNodes, type SentinelParts } from './sentinel.js';
export type { CommandEnd } from './fence-command.js';
