export { sentinel } from './sentinel.js';
