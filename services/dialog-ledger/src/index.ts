export { dialogLedger } from './service.js';
