export * from './call.js';
export { deriveCalls } from './derive-calls.js';
export { unheardLeg, type ReplacementLeg } from './unheard-leg.js';
export { recordingsAt } from './recordings.js';
