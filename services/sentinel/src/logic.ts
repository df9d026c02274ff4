/** The service's logic apart from its connections, for a composition other than `sentinel`: the deterministic simulation. */
export { listen } from './ears.js';
export { fenceNode } from './fence.js';
export { NodeGuard } from './node-guard.js';
export { NodeRecorder, nodeStream, recordOf } from './node-recorder.js';
