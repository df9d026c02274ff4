/**
 * A test file whose vitest has died ends too, and with it the lab that is its own. `process.exit` is no way out: in a test file vitest
 * has it throw.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
