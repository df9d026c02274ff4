import type { NodeEvent } from './node-events.js';

/** What a node's events say of its lives. */
export interface NodeHistory {
  /** The latest life, null where none was ever heard of. */
  readonly current: {
    readonly incarnation: string;
    readonly standing: 'trusted' | 'suspected' | 'down';
  } | null;
  /** Every life that was declared down; none of them comes back. */
  readonly down: ReadonlySet<string>;
}

export const noHistory: NodeHistory = { current: null, down: new Set() };

/** Folds one event into the history. An event of a life that is no longer the current one changes no more than `down`. */
export function evolveNode(history: NodeHistory, event: NodeEvent): NodeHistory {
  const { incarnation } = event;
  switch (event.type) {
    case 'NodeSeen':
      return { ...history, current: { incarnation, standing: 'trusted' } };
    case 'NodeSuspected':
      return stand(history, incarnation, 'suspected');
    case 'NodeCleared':
      return stand(history, incarnation, 'trusted');
    case 'NodeFenced':
    case 'FenceFailed':
    case 'NodeDeclaredDown':
      return history;
    case 'NodeDown': {
      const down = new Set(history.down).add(incarnation);
      const known = history.current !== null && history.current.standing !== 'down';
      if (known) return { ...stand(history, incarnation, 'down'), down };
      return { current: { incarnation, standing: 'down' }, down };
    }
  }
}

function stand(
  history: NodeHistory,
  incarnation: string,
  standing: 'trusted' | 'suspected' | 'down',
): NodeHistory {
  if (history.current?.incarnation !== incarnation) return history;
  return { ...history, current: { incarnation, standing } };
}

/** False for an event that the history already holds, as when another sentinel was first to record it. */
export function isNodeNews(history: NodeHistory, event: NodeEvent): boolean {
  const { current, down } = history;
  if (down.has(event.incarnation)) return false;
  switch (event.type) {
    case 'NodeSeen':
      return current?.incarnation !== event.incarnation;
    case 'NodeSuspected':
      return current?.incarnation === event.incarnation && current.standing === 'trusted';
    case 'NodeCleared':
      return current?.incarnation === event.incarnation && current.standing === 'suspected';
    case 'NodeFenced':
    case 'FenceFailed':
    case 'NodeDeclaredDown':
    case 'NodeDown':
      return true;
  }
}
