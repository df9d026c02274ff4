import type { SimulatedChannel } from '../asterisk/channel.js';
import type { Life } from '../asterisk/life.js';
import type { Surroundings } from '../asterisk/surroundings.js';
import type { Node } from '../asterisk/node.js';
import type { Phone } from '../asterisk/phone.js';
import type { Violation } from './violation.js';

/** An originate that an Asterisk took. */
export interface Originated {
  readonly at: number;
  readonly epochMs: number;
  readonly life: Life;
  readonly channelId: string;
  readonly phone: Phone;
}

/** A channel that was up when its Asterisk died. */
export interface Victim {
  readonly life: Life;
  readonly channelId: string;
  readonly phone: Phone;
}

/**
 * Sees what happens at the Asterisks themselves, as it happens: neither the services nor their store are asked. A dialog has
 * one owner: no INVITE is sent in it as long as another channel for the phone is up, or is asked for, on an Asterisk that lives.
 */
export class Witness {
  readonly originated: Originated[] = [];
  readonly victims: Victim[] = [];
  readonly violations: Violation[] = [];
  readonly deaths: Life[] = [];

  constructor(
    private readonly now: () => number,
    private readonly nodes: () => Iterable<Node>,
  ) {}

  readonly hooks: Surroundings<Life>['witness'] = {
    originates: (life, channel) => this.originates(life, channel),
    died: (life) => this.died(life),
  };

  private originates(life: Life, { id: channelId, phone }: SimulatedChannel): void {
    const at = this.now();
    this.originated.push({ at, epochMs: Date.now(), life, channelId, phone });
    for (const node of this.nodes()) {
      for (const other of node.lives) {
        if (!other.isAlive()) continue;
        for (const channel of other.channels.values()) {
          if (channel.phone !== phone || channel.id === channelId || channel.cancelled) continue;
          this.violations.push({
            invariant: 'one-owner',
            at,
            what: `${life.nodeId} originates ${channelId} for ${phone.name} while ${channel.id} (${channel.state}) lives on ${other.nodeId}`,
          });
        }
      }
    }
  }

  private died(life: Life): void {
    this.deaths.push(life);
    for (const { id: channelId, phone, state } of life.channels.values())
      if (state === 'Up') this.victims.push({ life, channelId, phone });
  }
}
