export { BaresipPhone, type BaresipState, type BaresipTraits } from './baresip/phone.js';
export { CALL_KINDS, type CallKind, type CallPlan, type PhoneTraits } from './call-plan.js';
export type { Datagram } from './capture/pcap.js';
export { CaptureTail } from './capture/tail.js';
export { Capture, type CaptureKind } from './capture/tcpdump.js';
export { startDemoApp } from './demo-app/start.js';
export { phonesOf, type ObservedCall } from './observed/call.js';
export {
  answeredAfter,
  byeOf,
  establishedAt,
  isTalkingAt,
  networkCseqBefore,
  nodeAt,
  reinvitesAfter,
  type ObservedRequest,
  type PhoneCall,
} from './observed/phone-call.js';
export { SipTrace } from './observed/sip-trace.js';
export { percentile } from './observed/statistics.js';
export {
  disturbed,
  eligibleCalls,
  judge,
  type CallVerdict,
  type Crash,
  type PhoneVerdict,
} from './observed/verdict.js';
export type { VoiceTrace } from './observed/voice.js';
export { isOver } from './hang-up.js';
export { Person, TELL_AGAIN_MS, type Command } from './person.js';
export { Phones, type Observation } from './phones.js';
export * as xml from './scenario/xml.js';
export { Sipp, type SippRun } from './sipp.js';
