export * from './billing.js';
export * from './call-records.js';
export * from './conferences.js';
export * from './dialogs.js';
export * from './events.js';
export * from './flow.js';
export * from './recoveries.js';
