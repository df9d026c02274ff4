/** The service's logic apart from its connections, for a composition other than `recovery`: the deterministic simulation. */
export { foldFacts, type CallRecordChanges } from './call-records/fold.js';
export { ProgressGate } from './call-records/progress-gate.js';
export type { LiveCalls } from './call-records/index.js';
export { consumeDeaths, consumeFacts, rememberDeaths } from './consumers.js';
export { NodeBook } from './nodes/node-book.js';
export { assertClaimable } from './planning/claim.js';
export { Planner, type PlannerOptions } from './planning/planner.js';
export { policyFor } from './planning/policies.js';
export type { PlanningReads } from './planning/reads.js';
export { unheardOf, type UnheardLeg } from './planning/unheard.js';
export { PostgresAnswers } from './postgres-answers.js';
export {
  tellOfDeadTarget,
  watchDeadTargets,
  type DeadTargets,
  type OpenLeg,
  type OpenLegs,
} from './recoveries/dead-targets.js';
export { watchDeadlines, type DeadlineRows, type DueRow } from './recoveries/deadlines.js';
export { follow } from './recoveries/follow.js';
export { Journal, type ReadSide } from './recoveries/journal.js';
export { Machines } from './recoveries/machines.js';
export type { LegRow, RecoveryRow } from './recoveries/read-rows.js';
export { Recoveries } from './recoveries/recoveries.js';
export { RequestHandler } from './requests/handle-request.js';
export type { Incarnation, RequestLookup } from './requests/lookup.js';
export { RateLimit } from './requests/rate-limit.js';
export { RequestLog } from './requests/request-log.js';
export { toldFacts, type ToldByAgents, type ToldRow } from './recoveries/told-by-agents.js';
export {
  ControlLog,
  holdWaiting,
  OperatorDesk,
  raiseOn,
  Restraints,
  watchQuarantine,
} from './restraint/index.js';
export { refusal } from './refusal.js';
export { deadlineRow, type ReadSideChanges } from './recoveries/write-read-side.js';
