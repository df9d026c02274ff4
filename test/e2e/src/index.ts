export { flood } from './flood.js';
export { homerInsteadOfLedger } from './homer.js';
export { deathsOf, recoveriesOf, timelineOf, untilOnRecord, type RecoveryRow } from './record.js';
export { RingingCall } from './ringing.js';
export { Scene } from './scene.js';
