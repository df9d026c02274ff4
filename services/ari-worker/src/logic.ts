/** The service's logic apart from its connections, for a composition other than `ariWorker`: the deterministic simulation. */
export { Commands } from './commands.js';
export { Target } from './target.js';
