export { ariWorker } from './ari-worker.js';
