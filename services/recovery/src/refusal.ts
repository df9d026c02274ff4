import type { RecoveryReply } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';

/** What is answered to a request or an operator's command that could not be carried out. */
export function refusal(error: unknown): Extract<RecoveryReply, { readonly status: 'refused' }> {
  if (isCoded(error, 'MESSAGE_INVALID'))
    return { status: 'refused', code: 'RECOVERY_REQUEST_INVALID', message: error.message };
  if (isCoded(error, 'MESSAGE_TOO_LARGE'))
    return { status: 'refused', code: 'RECOVERY_REQUEST_TOO_LARGE', message: error.message };
  if (isCoded(error)) return { status: 'refused', code: error.code, message: error.message };
  return {
    status: 'refused',
    code: 'RECOVERY_REQUEST_FAILED',
    message: 'the request could not be carried out; see the log',
  };
}
