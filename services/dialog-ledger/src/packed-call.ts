import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { dialogKey, parseSip, applyMessage, emptyCall, type CallDialogs, type Evidence } from '@reinvite/sip';
import { sampleMessages } from './sample-call.js';

/**
 * A Call-ID's dialogs as one short string, some 0.5 KB a dialog, where the objects and the pieces of captured messages that
 * they refer to take 5 KB and more: calls are silent nearly all of their time.
 *
 * What all dialogs have in common need not be in each: it is in the dictionary, made from a call that is folded when the
 * process starts. So the form is for this process alone, and never stored.
 */
const DICTIONARY = Buffer.from(serialised(sampleCall()));

/** Small windows: zlib sets up its memory anew for each call. */
const OPTIONS = { dictionary: DICTIONARY, level: 6, memLevel: 5, windowBits: 13 };

export function packCall(call: CallDialogs): string {
  // Latin-1: a byte of text for a byte, and no Buffer, which is larger than what it would hold here.
  return deflateRawSync(serialised(call), OPTIONS).toString('latin1');
}

export function unpackCall(callId: string, packed: string): CallDialogs {
  const text = inflateRawSync(Buffer.from(packed, 'latin1'), OPTIONS).toString();
  const all = JSON.parse(text) as Evidence[];
  return { callId, evidence: new Map(all.map((evidence) => [dialogKey(evidence), evidence])) };
}

function serialised({ evidence }: CallDialogs): string {
  return JSON.stringify([...evidence.values()]);
}

function sampleCall(): CallDialogs {
  const nodeId = 'ast1';
  return sampleMessages.reduce((call, { direction, text }, index) => {
    const message = parseSip(Buffer.from(text));
    return applyMessage(call, { direction, at: 1_795_000_000_000_000 + index * 20_123, nodeId, message });
  }, emptyCall('sample'));
}
