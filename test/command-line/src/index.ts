export { atLeast, regularExpression, wholeNumbers, writableFile } from './arguments.js';
export { caseOptions, type CaseOptions } from './case-options.js';
export { EXIT, readCommandLine } from './command-line.js';
export { runCases, type CaseRun, type Progress, type RunOptions } from './run-cases.js';
export { writeJson } from './write-json.js';
