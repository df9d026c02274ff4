import type { AriConnection } from '@reinvite/ari';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { StillGoing } from './ari-activity.js';

/** Asks Asterisk which of these playbacks and recordings go on still; ARI can be asked for each by its name, and cannot list them. */
export async function stillGoing(
  { playbacks, recordings }: Pick<AriConnection, 'playbacks' | 'recordings'>,
  known: StillGoing,
  log: Logger,
): Promise<StillGoing> {
  const goesOn = async (names: ReadonlySet<string>, ask: (name: string) => Promise<unknown>) => {
    const answers = await Promise.all(
      [...names].map(async (name) => {
        try {
          await ask(name);
          return [name];
        } catch (err) {
          if (!isCoded(err, 'ARI_NOT_FOUND')) log.debug({ err, name }, 'what goes on cannot be asked for');
          return [];
        }
      }),
    );
    return new Set(answers.flat());
  };
  const [playing, recorded] = await Promise.all([
    goesOn(known.playbacks, (id) => playbacks.get(id)),
    goesOn(known.recordings, (name) => recordings.getLive(name)),
  ]);
  return { playbacks: playing, recordings: recorded };
}
