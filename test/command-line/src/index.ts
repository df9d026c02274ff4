export { atLeast, regularExpression, wholeNumbers, writableFile } from './arguments.js';
export { EXIT, readCommandLine } from './command-line.js';
export { writeJson } from './write-json.js';
