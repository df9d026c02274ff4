export { captureIdsOf } from './config-ledger.js';
export { CodedError, codedError, ERROR_TABLE, isCoded, type ErrorClass, type ErrorCode } from './errors.js';
export {
  groupOf,
  groupsWithoutPolicy,
  policyOf,
  type BillingConfig,
  type FlowConfig,
  type PolicyConfig,
} from './config-recovery.js';
export {
  configSchema,
  loadConfig,
  parseConfig,
  type AmiConfig,
  type Config,
  type HomerConfig,
  type NodeConfig,
} from './config.js';
export { fileFor, postgresUrl, readSecret, type NatsTls } from './config-secrets.js';
export { keepSecret, keepSecretOfUrl, withoutSecrets } from './secrets.js';
export { createLogger, type Logger } from './logger.js';
export { retryForever, type RetryOptions } from './retry.js';
export { aborted, shutdownSignal, unlessAborted, type Service, type ServiceContext } from './service.js';
