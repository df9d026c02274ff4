export { startBackends, type Backends } from './backends.js';
export { eventually } from './eventually.js';
