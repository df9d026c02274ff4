export { writeBills } from './write-bills.js';
