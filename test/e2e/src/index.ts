export { callDetails, untilBilled, type CallDetail } from './billing.js';
export { flood } from './flood.js';
export { homerInsteadOfLedger } from './homer.js';
export { operatorOf, type Operator } from './operator.js';
export { deathsOf, recoveriesOf, timelineOf, untilOnRecord, type RecoveryRow } from './record.js';
export { RingingCall } from './ringing.js';
export { cameBack, outcomesOf, verdictsOf, type RoundVerdict } from './rounds.js';
export { Scene } from './scene.js';
export { lockTable, whilePostgresIsStarved } from './slow-postgres.js';
