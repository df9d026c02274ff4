/** The service's logic apart from its connections, for a composition other than `nodeAgent`: the deterministic simulation. */
export { FactStream } from './calls/fact-stream.js';
export { CallObserver } from './calls/observer.js';
export { CallPicture } from './calls/picture.js';
export { reportDeath } from './death.js';
export { fence, type Fenceable } from './fence.js';
export type { LeaseRecord, LeaseStore } from './lease/lease-file.js';
export { leaseWatch } from './lease/lease-watch.js';
export type { StartedGuard, StartGuard } from './lease/spawn-guard.js';
export { Tenant, type LeaseMachine } from './lease/tenant.js';
export { Lives } from './process/lives.js';
export type { ProcessIdentity } from './process/proc.js';
export type { Processes } from './process/processes.js';
export type { Life } from './process/life.js';
