import { fileURLToPath } from 'node:url';

/** The program that runs a fake HOMER as a process of its own: `node FAKE_HOMER_MAIN HOST HEP_PORT HTTP_PORT`. */
export const FAKE_HOMER_MAIN = fileURLToPath(new URL('main.js', import.meta.url));
