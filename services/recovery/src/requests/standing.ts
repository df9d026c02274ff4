import type { Heartbeat } from '@reinvite/domain';

/**
 * Whether an incarnation is surely dead, so that its dialogs may be taken over: its death was declared, or its agent says
 * that the process is gone, or a later life of the same node runs. Silence is no proof.
 * @param heartbeat the node's, where it is fresh
 */
export function isSurelyDead(
  incarnation: string,
  declared: ReadonlySet<string>,
  heartbeat: Heartbeat | null,
): boolean {
  if (declared.has(incarnation)) return true;
  if (heartbeat === null) return false;
  const isLater = heartbeat.incarnation !== null && Number(heartbeat.incarnation) > Number(incarnation);
  return isLater || heartbeat.asterisk === 'down';
}
