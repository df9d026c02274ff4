export { Bus } from './bus.js';
export type { BusOptions } from './connect.js';
export type { Delivery, QueueOptions, TailOptions } from './consume.js';
export { createNkey, publicKeyIn, type Access } from './access.js';
export { nodeAgentAccount, permissions, streamsOf, type Permissions } from './permissions.js';
export { publishAcknowledged } from './publish.js';
export { authorizationBlock } from './server-config.js';
export { streams, subjects, type StreamKey } from './subjects.js';
