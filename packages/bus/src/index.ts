export { Bus, type BusOptions } from './bus.js';
export type { Delivery, QueueOptions, TailOptions } from './consume.js';
export { streams, subjects, type StreamKey } from './subjects.js';
