import { codedError } from '@reinvite/runtime';
import type { DialogId, LoadedDialogs } from '@reinvite/db';
import { dialogKey, viewOf, type Dialog, type Evidence } from '@reinvite/sip';
import type { DialogStore } from '../src/store.js';

const keyOf = (id: DialogId): string => `${id.callId} ${dialogKey(id)}`;

/** A store in memory that can be out of reach, and can hold a write back. */
export class FakeStore implements DialogStore {
  readonly rows = new Map<string, Evidence>();
  reachable = true;
  writes = 0;
  /** When set, a write or a removal waits for it before it is carried out. */
  hold: Promise<void> | undefined;

  async load(): Promise<LoadedDialogs> {
    this.check();
    return { evidence: [...this.rows.values()], unreadable: [] };
  }

  async write(evidence: readonly Evidence[]): Promise<number> {
    await this.hold;
    this.check();
    this.writes += 1;
    for (const one of evidence) this.rows.set(keyOf(one), one);
    return evidence.length;
  }

  async remove(evidence: readonly Evidence[]): Promise<void> {
    await this.hold;
    this.check();
    for (const one of evidence) this.rows.delete(keyOf(one));
  }

  dialogs(): Dialog[] {
    return [...this.rows.values()].map(viewOf).filter((dialog) => dialog !== null);
  }

  private check(): void {
    if (!this.reachable) throw codedError('POSTGRES_UNREACHABLE', 'out of reach');
  }
}
