export { HomerSource, type AskOptions, type HomerTold } from './homer-source.js';
export { isComplete } from './complete.js';
export { openHomer } from './open.js';
