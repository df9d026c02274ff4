export { canonicalAddress } from './hep/address.js';
export { decodeHep } from './hep/decode.js';
export { encodeHep, type HepContent } from './hep/encode.js';
export { HepFramer } from './hep/framing.js';
export { HEP_TYPE_SIP, type HepEndpoint, type HepPacket } from './hep/packet.js';
export type { CSeq, NameAddress, SipMessage, SipRequest, SipResponse, Via } from './message/message.js';
export { parseSip } from './message/parse.js';
export { isAdvisory, type Dialog, type Party, type UnsureReason } from './dialog/dialog.js';
export type {
  Codec,
  Direction,
  Encryption,
  MediaStream,
  SessionDescription,
  SessionTimer,
} from './dialog/session.js';
export { directionOf } from './dialog/direction.js';
export { evidenceSchema, type Evidence } from './dialog/evidence.js';
export {
  applyMessage,
  dialogKey,
  dialogsOf,
  emptyCall,
  joinCalls,
  lengthOfCall,
  visible,
  withoutDialogs,
  type CallDialogs,
} from './dialog/fold.js';
export type { Observed } from './dialog/observe.js';
export { isInvitation, viewOf } from './dialog/view.js';
export type { DialogSearch, DialogSource } from './recovery/source.js';
export { sdpOf } from './session/body.js';
export { parseSdp } from './session/parse.js';
export { recoveryVariables } from './recovery/variables.js';
