export type { Account } from './accounts.js';
export type { Behaviour } from './behaviour.js';
export { ACCOUNT, FakeHomer, type FakeHomerOptions, type Query } from './fake-homer.js';
export { hepSink } from './hep-sink.js';
export type { Captured } from './store.js';
export { FAKE_HOMER_MAIN } from './paths.js';
