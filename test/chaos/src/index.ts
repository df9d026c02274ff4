export { check, type FaultCount, type Verdict } from './check/check.js';
export type { Evidence } from './check/evidence.js';
export { FAULTS } from './draw/catalogue.js';
export { scheduleOf } from './draw/schedule.js';
export { isGood, printed, type Result } from './report/result.js';
export { run } from './run.js';
