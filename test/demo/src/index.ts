export { readAudit, type Audit } from './audit.js';
export { programmeOf, type Programme } from './calls.js';
export { summarize, isGood, type Evidence, type Failure, type Summary } from './summary.js';
