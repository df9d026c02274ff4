import { describe, expect, it } from 'vitest';
import { refusalOf } from '../src/reasons.js';
import { readReport, type RecoveryReport } from '../src/recovery-report.js';

const reportOf = (
  userevent: Record<string, unknown>,
  eventname = 'ReinviteRecovery',
): RecoveryReport | null =>
  readReport({ type: 'ChannelUserevent', timestamp: 0, application: '', eventname, userevent });

const failed = (status: string, received = 'yes', retryAfter = ''): RecoveryReport | null =>
  reportOf({ eventname: 'ReinviteRecovery', result: 'failed', status, received, retry_after: retryAfter });

describe('the end of a channel of which the module says nothing', () => {
  it.each([
    [127, 481, 'DIALOG_GONE'],
    [17, 486, 'REINVITE_REJECTED'],
    [41, 503, 'SERVER_UNAVAILABLE'],
    [19, null, 'REINVITE_UNANSWERED'],
    [19, 480, 'REINVITE_UNANSWERED'],
    // A refusal by another's module looks like this; so does an answer with Reason: Q.850;cause=111.
    [111, 400, 'REINVITE_REJECTED'],
    [111, null, 'REINVITE_REJECTED'],
  ])('with cause %s and SIP status %s means %s', (cause, status, reason) => {
    expect(refusalOf(cause, status, null)).toMatchObject({ reason, sent: true, cause });
  });
});

describe('what the module says', () => {
  it.each([
    ['302', 'REINVITE_REDIRECTED'],
    ['400', 'REINVITE_REJECTED'],
    ['401', 'CREDENTIALS_REFUSED'],
    ['407', 'CREDENTIALS_REFUSED'],
    ['408', 'PHONE_UNREACHABLE'],
    ['480', 'REINVITE_REJECTED'],
    ['481', 'DIALOG_GONE'],
    ['488', 'OFFER_REJECTED'],
    ['491', 'REINVITE_COLLIDED'],
    ['500', 'REINVITE_OUT_OF_ORDER'],
    ['503', 'SERVER_UNAVAILABLE'],
    ['603', 'REINVITE_REJECTED'],
    ['606', 'OFFER_REJECTED'],
    ['200', 'OFFER_REJECTED'],
  ])("of the phone's answer %s is %s, whatever the cause", (status, reason) => {
    expect(refusalOf(111, 400, failed(status))).toEqual({
      reason,
      sent: true,
      cause: 111,
      status: Number(status),
      retryAfterMs: null,
    });
  });

  it('of Retry-After is told in ms', () => {
    expect(refusalOf(41, 503, failed('503', 'yes', '120'))).toMatchObject({ retryAfterMs: 120_000 });
  });

  it.each([
    ['503', 'SERVER_UNAVAILABLE'],
    ['408', 'REINVITE_UNANSWERED'],
    ['487', 'REINVITE_UNANSWERED'],
  ])('of a status %s that nobody sent is %s', (status, reason) => {
    expect(refusalOf(0, null, failed(status, 'no'))).toMatchObject({ reason, sent: true, status: null });
  });

  it('of a refusal of its own is that nothing was sent', () => {
    const report = reportOf({ result: 'refused', code: 'REC-CSEQ-INVALID' });
    expect(refusalOf(111, 400, report)).toMatchObject({ reason: 'MODULE_REFUSED', sent: false });
  });

  it('of an offer that the endpoint cannot make is that a plain one may do', () => {
    const report = reportOf({ result: 'refused', code: 'REC-SDP-UNSUPPORTED' });
    expect(refusalOf(111, 400, report)).toMatchObject({ reason: 'OFFER_UNSUPPORTED', sent: false });
  });

  it.each([
    [{ result: 'failed', status: 'many', received: 'yes', retry_after: '' }],
    [{ result: 'failed', status: '500', received: 'perhaps', retry_after: '' }],
    [{ result: 'refused' }],
    [{}],
  ])('and nobody can read is not heard: %o', (userevent) => {
    expect(reportOf(userevent)).toBeNull();
  });

  it('is not what another event says', () => {
    expect(reportOf({ result: 'refused', code: 'REC-CSEQ-INVALID' }, 'SomebodyElses')).toBeNull();
  });
});
