export { catalogue, selected } from './cases/catalogue.js';
export type { Case, Extras } from './cases/case.js';
export type { Factors } from './cases/factors.js';
export type { Verdict } from './judge/judge.js';
export { documentation } from './report/docs.js';
export { printed, resultOf, type CaseResult, type Result } from './report/result.js';
export { run } from './run.js';
