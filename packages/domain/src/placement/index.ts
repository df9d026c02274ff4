export { candidatesOf, type Candidate, type NodeStanding } from './candidate.js';
export { candidatesWithin, chooseTarget, withLoad } from './choose-target.js';
