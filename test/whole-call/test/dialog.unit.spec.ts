import type { ObservedRequest, PhoneCall } from '@reinvite/test-phones';
import { describe, expect, it } from 'vitest';
import { dialogFaults, endingFaults } from '../src/judge/dialog.js';

const CRASH = { node: 'ast1', at: 10_000 };

function request(method: string, at: number, more: Partial<ObservedRequest> = {}): ObservedRequest {
  return {
    ...{
      method,
      by: 'network',
      cseq: 1,
      branch: `z9hG4bK-${at}`,
      fromTag: '',
      toTag: '',
      requestUri: '',
      at,
    },
    ...{ times: 1, node: 'ast2', answer: { status: 200, at: at + 10 }, ackedAt: at + 20, ...more },
  };
}

/** A phone that was called by a node, and what came after. */
function callOf(node: string, requests: ObservedRequest[]): PhoneCall {
  return {
    ...{ callId: 'call@phone', role: 'callee', number: 'bob', dialled: 'phone-6000', sipPort: 6_000 },
    ...{
      invite: request('INVITE', 1_000, { node }),
      requests,
      localTag: '',
      remoteTag: '',
      rtpPorts: new Set(),
    },
  };
}

describe('the dialog of a phone whose node died', () => {
  it('is as it should be after one re-INVITE of another node, answered and acknowledged', () => {
    expect(dialogFaults(callOf('ast1', [request('INVITE', 10_200)]), CRASH)).toEqual([]);
  });

  it.each([
    ['no re-INVITE', [], 'it got no re-INVITE'],
    ['two of them', [request('INVITE', 10_200), request('INVITE', 10_900)], 'it got 2 re-INVITEs'],
    [
      'one that it refuses',
      [request('INVITE', 10_200, { answer: { status: 481, at: 10_210 } })],
      'it answered 481 to its re-INVITE',
    ],
    ['one without an ACK', [request('INVITE', 10_200, { ackedAt: null })], 'its answer got no ACK'],
    ['one of the dead node', [request('INVITE', 10_200, { node: 'ast1' })], 'the dead node re-INVITEd it'],
    [
      'one, and a BYE',
      [request('INVITE', 10_200), request('BYE', 11_000)],
      'its call ended by a BYE of the network',
    ],
  ])('is not after %s', (_, requests, fault) => {
    expect(dialogFaults(callOf('ast1', requests), CRASH)).toEqual([fault]);
  });

  it('is judged up to the moment that is asked for', () => {
    const requests = [request('INVITE', 10_200), request('BYE', 11_000)];
    expect(dialogFaults(callOf('ast1', requests), CRASH, 10_500)).toEqual([]);
  });
});

describe('the dialog of a phone whose node lives', () => {
  it('is left alone', () => {
    expect(dialogFaults(callOf('ast3', []), CRASH)).toEqual([]);
    expect(dialogFaults(callOf('ast3', [request('INVITE', 10_200)]), CRASH)).toHaveLength(1);
    expect(dialogFaults(callOf('ast3', [request('BYE', 10_200)]), CRASH)).toHaveLength(1);
  });
});

describe('the end of a call', () => {
  it('is a BYE that is answered 200', () => {
    expect(endingFaults(callOf('ast1', [request('BYE', 20_000)]))).toEqual([]);
    expect(endingFaults(callOf('ast1', []))).toEqual(['its call has not ended']);
    expect(endingFaults(callOf('ast1', [request('BYE', 20_000, { answer: null })]))).toEqual([
      'the BYE of the network was answered by nobody',
    ]);
  });
});
