/** The service's logic apart from its connections, for a composition other than `nodeAgent`: the deterministic simulation. */
export { FactStream } from './calls/fact-stream.js';
export { CallObserver } from './calls/observer.js';
export { CallPicture } from './calls/picture.js';
export { reportDeath } from './death.js';
export type { Life } from './process/life.js';
