import type { AriConnection } from '@reinvite/ari';
import type { RestoreCall } from '@reinvite/domain';
import type { LegContext } from '../restore-leg.js';

/** Two phones: in a larger bridge Asterisk lets nobody hear that one of them holds. */
const PAIR = 2;
/** Whether the phone of a channel holds, as Asterisk has it from the latest SDP. */
export const HOLDS = 'CHANNEL(rtp,hold,audio)';

type Holding = NonNullable<RestoreCall['holding']>[number];

/**
 * The other of a pair hears music of that class, where the phone holds still: its hold was told when nobody was there, and its unhold
 * may have been too.
 * @throws as `AriChannels.getVariable`, `AriBridges.get` and `AriChannels.startMusicOnHold`.
 */
export async function musicToOther(
  { bridges, channels }: AriConnection,
  bridgeId: string,
  { channelId, musicClass }: Holding,
): Promise<void> {
  if ((await channels.getVariable(channelId, HOLDS)) !== '1') return;
  const { channelIds } = await bridges.get(bridgeId);
  const [other] = channelIds.filter((id) => id !== channelId);
  if (other === undefined || channelIds.length !== PAIR) return;
  await channels.startMusicOnHold(other, musicClass === '' ? undefined : musicClass);
}

/** Who comes to one that is back already hears music where that one's phone holds still. Never rejects. */
export async function holdArrived(bridgeId: string, { command, target, log }: LegContext): Promise<void> {
  for (const holding of command.holding ?? []) {
    try {
      await target.request((ari) => musicToOther(ari, bridgeId, holding));
    } catch (err) {
      log.info({ err, channelId: holding.channelId }, 'who came to one that holds hears no music');
    }
  }
}
