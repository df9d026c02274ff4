export { deathsOf, isOnRecord, recoveriesOf, timelineOf, type RecoveryRow } from './record.js';
export { Scene } from './scene.js';
