export { preflight } from '../preflight.mjs';
export type { SpawnOptions } from './enter.js';
export { findLab, Lab, type ExecResult } from './lab.js';
export type { LabOptions } from './options.js';
export type { LabInfo, LabStatus, OperationDone, UnitStatus } from './protocol.js';
export { endLab, runningLabs } from './registry.js';
export { startLab } from './start.js';
