export * from './call.js';
export { deriveCalls } from './derive-calls.js';
