import { describe, expect, it } from 'vitest';
import { requestError, withDeadline } from '../src/request.js';

const answered = (status: number, message = 'why') => Object.assign(new Error(message), { status });
const broken = (code: string) => Object.assign(new Error(`connect ${code}`), { status: 0, code });

describe('requestError', () => {
  it.each([
    [401, 'ARI_UNAUTHORIZED'],
    [404, 'ARI_NOT_FOUND'],
    [409, 'ARI_CONFLICT'],
    [422, 'ARI_REQUEST_FAILED'],
    [500, 'ARI_REQUEST_FAILED'],
  ])('codes an answer %i as %s', (status, code) => {
    expect(requestError('channels.get', answered(status))).toMatchObject({ code, details: { status } });
  });

  it('knows when a request cannot have been carried out, and when it may have been', () => {
    const maybeSent = (error: Error) => requestError('channels.originateWithId', error).details['maybeSent'];
    expect(maybeSent(broken('ECONNREFUSED'))).toBe(false);
    expect(maybeSent(broken('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))).toBe(false);
    expect(maybeSent(broken('ECONNRESET'))).toBe(true);
    expect(maybeSent(broken('ETIMEDOUT'))).toBe(true);
    expect(maybeSent(answered(503))).toBe(false);
    expect(requestError('x', 'something odd')).toMatchObject({
      code: 'ARI_UNREACHABLE',
      details: { maybeSent: true },
    });
  });

  it('makes one line of a page of HTML', () => {
    const page =
      '<html><head>\r\n<title>404 Not Found</title>\r\n</head><body><h1>Not Found</h1></body></html>';
    expect(requestError('x', answered(404, page)).message).toBe('ARI_NOT_FOUND: x: 404 Not Found');
  });
});

describe('withDeadline', () => {
  it('gives up on what does not answer, as something that may have been done', async () => {
    await expect(withDeadline('asterisk.ping', new Promise(() => undefined), 1)).rejects.toMatchObject({
      code: 'ARI_UNREACHABLE',
      details: { maybeSent: true },
    });
  });
});
