export { catalogue, selected } from './cases/catalogue.js';
export type { Case, Hears } from './cases/case.js';
export { hasPassed, type CaseVerdict, type CrashVerdict } from './judge/verdict.js';
export { documentation } from './report/docs.js';
export { printed, resultOf, type CaseResult, type Result } from './report/result.js';
export { run } from './run.js';
