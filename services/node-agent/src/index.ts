export { nodeAgent } from './agent.js';
