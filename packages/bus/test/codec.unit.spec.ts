import { heartbeat } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../src/codec.js';
import { streams, subjects } from '../src/subjects.js';

describe('the codec', () => {
  const beat = {
    type: 'Heartbeat',
    nodeId: 'ast1',
    incarnation: '1',
    at: 1,
    intervalMs: 200,
    asterisk: 'up',
    liveChannels: 0,
    recoveryModule: true,
  } as const;

  it('gives back what was sent', () => {
    expect(decode(heartbeat, 's', encode(beat))).toEqual(beat);
  });

  it.each(['', '{', 'null', '[]', '{"type":"Heartbeat"}', JSON.stringify({ ...beat, nodeId: 'a.b' })])(
    'refuses %s with a coded error',
    (text) => {
      expect(() => decode(heartbeat, 's', text)).toThrow(/MESSAGE_INVALID/);
    },
  );

  it('refuses what tells of another node than its subject', () => {
    const subjectOf = ({ nodeId }: { readonly nodeId: string }): string => subjects.heartbeat(nodeId);
    expect(decode(heartbeat, subjects.heartbeat('ast1'), encode(beat), subjectOf)).toEqual(beat);
    expect(() => decode(heartbeat, subjects.heartbeat('ast2'), encode(beat), subjectOf)).toThrow(
      /MESSAGE_INVALID.*reinvite\.heartbeat\.ast1/,
    );
  });
});

describe('the subjects', () => {
  it('of every durable message belong to its stream', () => {
    const belongs = (subject: string, patterns: readonly string[]): boolean =>
      patterns.some(
        (pattern) =>
          subject.startsWith(pattern.slice(0, -1)) && !subject.slice(pattern.length - 1).includes('.'),
      );
    expect(belongs(subjects.callFact('ast1'), streams.callFacts.subjects)).toBe(true);
    expect(belongs(subjects.nodeDown('ast1'), streams.nodeEvents.subjects)).toBe(true);
    expect(belongs(subjects.restoreCommand('ast1'), streams.restoreCommands.subjects)).toBe(true);
    expect(belongs(subjects.restoreFact('ast1'), streams.restoreFacts.subjects)).toBe(true);
  });
});
