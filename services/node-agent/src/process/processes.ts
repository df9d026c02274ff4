import { killProcess } from './asterisk-process.js';
import { stateOf, type ProcessIdentity, type ProcessState } from './proc.js';

/** The processes of a machine, as far as an agent looks at them and ends them. */
export interface Processes {
  stateOf(process: ProcessIdentity): ProcessState;
  /** SIGKILL. @throws CodedError `FENCE_FAILED` where the system does not allow it. */
  kill(process: ProcessIdentity): void;
}

/** Those of this machine. */
export const ownProcesses: Processes = { stateOf, kill: killProcess };
