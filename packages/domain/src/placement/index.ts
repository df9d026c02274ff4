export { candidatesOf, type Candidate, type NodeStanding } from './candidate.js';
export { chooseTarget, withLoad } from './choose-target.js';
