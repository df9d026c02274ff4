export { runCommandLine } from './program.js';
export { EXIT, type Output } from './output.js';
