export { ariAccess, type AriAccess } from './access.js';
export { askAsterisk } from './ask.js';
export { connectAri, type AriConnection } from './connection.js';
export type { AriOptions } from './options.js';
export type { AriChannels, HangupReason, Originate, OriginateTarget } from './channels.js';
export type { AriBridges, RequestedBridge } from './bridges.js';
export type { AriPlaybacks, AriRecordings, Play, Recording } from './media.js';
export type { AriAsterisk } from './asterisk.js';
export type { AriEvent, AriEventOf, AriEventType } from './events.js';
export {
  ariBridge,
  ariChannel,
  asteriskInfo,
  type AriBridge,
  type AriChannel,
  type AsteriskInfo,
} from './model.js';
