export { runBench } from './bench.js';
export { callMessages, NODE_ADDRESS } from './traffic.js';
