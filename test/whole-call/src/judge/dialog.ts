import {
  answeredAfter,
  byeOf,
  isTalkingAt,
  nodeAt,
  reinvitesAfter,
  type Crash,
  type PhoneCall,
} from '@reinvite/test-phones';

/** The phone was in its call through the node when that died. */
export function isStruck(call: PhoneCall, { node, at }: Crash): boolean {
  return isTalkingAt(call, at) && nodeAt(call, at) === node;
}

/** The phone has been re-INVITEd after the crash, and has answered; or was never concerned. */
export function isBack(call: PhoneCall, crash: Crash): boolean {
  return !isStruck(call, crash) || answeredAfter(call, crash.at) !== null;
}

/** What is wrong with the dialog of one phone after a crash, up to `until` (epoch ms); empty where nothing is. */
export function dialogFaults(call: PhoneCall, crash: Crash, until = Infinity): string[] {
  const reinvites = reinvitesAfter(call, crash.at).filter(({ at }) => at < until);
  const bye = byeOf(call);
  const ended = bye !== undefined && bye.at < until ? [`its call ended by a BYE of the ${bye.by}`] : [];
  if (!isStruck(call, crash)) {
    return reinvites.length === 0
      ? ended
      : [`${reinvites.length} re-INVITEs, though its node lives`, ...ended];
  }
  const [first, ...more] = reinvites;
  if (first === undefined) return ['it got no re-INVITE', ...ended];
  return [
    ...(more.length === 0 ? [] : [`it got ${reinvites.length} re-INVITEs`]),
    ...(first.answer?.status === 200
      ? []
      : [`it answered ${first.answer?.status ?? 'nothing'} to its re-INVITE`]),
    ...(first.ackedAt === null ? ['its answer got no ACK'] : []),
    ...(first.node === crash.node ? ['the dead node re-INVITEd it'] : []),
    ...ended,
  ];
}

/** What is wrong with how the phone's call ended. */
export function endingFaults(call: PhoneCall): string[] {
  const bye = byeOf(call);
  if (bye === undefined) return ['its call has not ended'];
  return bye.answer?.status === 200
    ? []
    : [`the BYE of the ${bye.by} was answered ${bye.answer?.status ?? 'by nobody'}`];
}
