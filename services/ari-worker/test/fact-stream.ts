import type { Bus } from '@reinvite/bus';
import type { RestoreFact } from '@reinvite/domain';
import { codedError } from '@reinvite/runtime';

/** What ari-workers publish, kept as JetStream does: the first message of an id, and the others are told that they are not. */
export class FactStream {
  isAway = false;
  private readonly stored = new Map<string, RestoreFact>();

  readonly bus: Pick<Bus, 'publishDurable'> = {
    publishDurable: async (_subject, message, id) => {
      if (this.isAway) throw codedError('NATS_PUBLISH_FAILED', 'no acknowledgement');
      const duplicate = this.stored.has(id);
      if (!duplicate) this.stored.set(id, message as RestoreFact);
      return { seq: this.stored.size, duplicate };
    },
  };

  get facts(): readonly RestoreFact[] {
    return [...this.stored.values()];
  }

  told(): string[] {
    return this.facts.map((fact) => fact.type);
  }

  refusals(): Extract<RestoreFact, { type: 'LegRefused' }>[] {
    return this.facts.filter((fact) => fact.type === 'LegRefused');
  }
}
