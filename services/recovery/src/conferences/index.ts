export { postgresHomes, type ConferenceHomes, type TakenHome, type WantedHome } from './homes.js';
export { pruneHomes } from './prune-homes.js';
export { readConferences, type AskedConferences } from './read-conferences.js';
