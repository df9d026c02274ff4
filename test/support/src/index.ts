export { startBackends, startNats, type Backends } from './backends.js';
export type { NatsServer, NatsSettings } from './nats.js';
export { makeCertificates, type Certificates } from './certificates.js';
export { eventually, SOON } from './eventually.js';
export { testDirectory } from './test-directory.js';
export { CuttableProxy } from './cuttable-proxy.js';
