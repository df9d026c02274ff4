export { answerFlows } from './flow-desk.js';
export { FlowStore, type StoredFlow } from './flow-store.js';
export { pruneFlows } from './prune-flows.js';
export { readFlows } from './read-flows.js';
