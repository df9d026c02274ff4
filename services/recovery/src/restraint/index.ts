export { raiseOn, watchQuarantine } from './alarms.js';
export { ControlLog } from './control-log.js';
export { OperatorDesk } from './operator-desk.js';
export { Restraints, type Held } from './restraints.js';
export { recoveryStatusOf } from './status.js';
export { holdWaiting, waitingRecoveries } from './waiting.js';
