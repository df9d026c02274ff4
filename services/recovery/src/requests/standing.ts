import type { Heartbeat, NodeHistory } from '@reinvite/domain';

/**
 * Whether an incarnation is surely dead, so that its dialogs may be taken over: its death was declared, or its agent says
 * that the process is gone, or a later life of the same node runs that the sentinels have taken for its successor. Silence is no
 * proof, and another life beside it is none: two may run side by side.
 * @param heartbeat the node's, where it is fresh
 */
export function isSurelyDead(
  incarnation: string,
  { current, down }: NodeHistory,
  heartbeat: Heartbeat | null,
): boolean {
  if (down.has(incarnation)) return true;
  if (heartbeat === null) return false;
  if (heartbeat.asterisk === 'down')
    return heartbeat.incarnation === null || heartbeat.incarnation === incarnation;
  const isSuccessor = heartbeat.incarnation !== null && heartbeat.incarnation === current?.incarnation;
  return isSuccessor && Number(heartbeat.incarnation) > Number(incarnation);
}
