import { codedError } from '@reinvite/runtime';
import { callsOf, type DialogId, type LoadedPage } from '@reinvite/db';
import { dialogKey, joinCalls, viewOf, visible, type Dialog, type Evidence } from '@reinvite/sip';
import type { DialogStore, Written } from '../src/store.js';

const keyOf = (id: DialogId): string => `${id.callId} ${dialogKey(id)}`;

/** A store in memory that can be out of reach, and can hold a write back. */
export class FakeStore implements DialogStore {
  readonly rows = new Map<string, Evidence>();
  private readonly writers = new Map<string, string>();
  reachable = true;
  writes = 0;
  /** When set, a write or a removal waits for it before it is carried out. */
  hold: Promise<void> | undefined;

  async load(take: (page: LoadedPage) => void): Promise<void> {
    this.check();
    for (const evidence of this.rows.values()) take({ evidence: [evidence], unreadable: [] });
  }

  async write(evidence: readonly Evidence[], ledgerId = 'ledger-1'): Promise<Written> {
    await this.hold;
    this.check();
    if (evidence.length === 0) throw new Error('there is nothing to write');
    this.writes += 1;
    const joined = this.joinedWithOthers(evidence, ledgerId);
    for (const one of [...evidence, ...joined]) {
      this.rows.set(keyOf(one), one);
      this.writers.set(keyOf(one), ledgerId);
    }
    return { dialogs: evidence.length, refused: 0, joined };
  }

  /** The same store, for another ledger. */
  of(ledgerId: string): DialogStore {
    return {
      load: (take) => this.load(take),
      write: (evidence) => this.write(evidence, ledgerId),
      remove: (evidence) => this.remove(evidence),
    };
  }

  async remove(evidence: readonly Evidence[]): Promise<void> {
    await this.hold;
    this.check();
    for (const one of evidence) this.rows.delete(keyOf(one));
  }

  dialogs(): Dialog[] {
    return [...this.rows.values()].map(viewOf).filter((dialog) => dialog !== null);
  }

  private joinedWithOthers(evidence: readonly Evidence[], ledgerId: string): Evidence[] {
    const ofOthers = [...this.rows.values()].filter((one) => this.writers.get(keyOf(one)) !== ledgerId);
    const callIds = new Set(ofOthers.map(({ callId }) => callId));
    const theirs = callsOf([...this.rows.values()]);
    const ours = callsOf(evidence.filter(({ callId }) => callIds.has(callId)));
    return [...ours].flatMap(([callId, call]) => {
      const known = theirs.get(callId);
      return known === undefined ? [] : visible(joinCalls(known, call));
    });
  }

  private check(): void {
    if (!this.reachable) throw codedError('POSTGRES_UNREACHABLE', 'out of reach');
  }
}
