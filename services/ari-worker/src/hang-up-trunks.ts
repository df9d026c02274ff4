import { isCoded } from '@reinvite/runtime';
import { isWorthAnotherTry, type LegContext } from './restore-leg.js';

/**
 * Ends what leads from the target to the dead node only: nobody else would. To be called once a leg is in: where none came back
 * the call may go elsewhere yet, and from there it can be reached again.
 * @throws CodedError `ARI_UNREACHABLE`: another worker may reach the node.
 */
export async function hangUpTrunks(context: LegContext): Promise<void> {
  const { command, target, log } = context;
  for (const channelId of command.hangUp ?? []) {
    try {
      await target.hangup(channelId, 'normal');
      log.info({ channelId }, 'hung up what led to the dead node');
    } catch (err) {
      if (isCoded(err, 'ARI_NOT_FOUND')) continue;
      if (isCoded(err, 'ARI_UNREACHABLE') && isWorthAnotherTry(context)) throw err;
      log.warn({ err, channelId }, 'cannot hang up what led to the dead node');
    }
  }
}
