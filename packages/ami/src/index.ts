export { AmiConnection, connectAmi, type AmiOptions } from './connection.js';
export type { AmiPacket } from './packets.js';
export type { AmiAccess, AmiAnswer } from './session.js';
