export { FlowClient, type FlowClientOptions, type FlowSnapshot, type Once } from './flow-client.js';
export { parseRecoveredArgs as recoveredFlow, type Json, type RecoveredFlow } from '@reinvite/domain';
export { CodedError as FlowError, isCoded as isFlowError } from '@reinvite/runtime';
