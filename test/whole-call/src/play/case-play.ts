import type { Lab } from '@reinvite/lab';
import {
  byeOf,
  establishedAt,
  nodeAt,
  TELL_AGAIN_MS,
  type Command,
  type ObservedRequest,
  type PhoneCall,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import type pg from 'pg';
import { APP, type Application, type Channel } from '../app/application.js';
import type { Phone, Phones } from '../phone/phones.js';
import type { PhoneName } from '../sound/sounds.js';
import { FIRST_NODE } from './names.js';

const SET_UP_MS = 60_000;
/** Two crashes and what is listened to before and after them take ten seconds. */
const MIDDLE_PIECE = 8;
const NOW = Infinity;

/** What all plays of a run share. */
export interface Surroundings {
  readonly lab: Lab;
  readonly db: pg.Pool;
  readonly application: Application;
  readonly phones: Phones;
}

/** One case being played: its phones, and what can be done with them. */
export class CasePlay {
  private readonly phones = new Map<PhoneName, Phone>();

  constructor(
    /** Of the case. */
    readonly id: string,
    readonly around: Surroundings,
  ) {}

  /** Node that the calls are on at first. */
  readonly firstNode = FIRST_NODE;

  get names(): PhoneName[] {
    return [...this.phones.keys()];
  }

  /** A phone calls; resolves when it is in the call. */
  async dial(name: PhoneName, dialled: string, node = FIRST_NODE): Promise<void> {
    const { sipPort } = await this.beginToDial(name, dialled, node);
    await this.untilTalking(name, sipPort);
  }

  /** A phone calls; resolves when it has begun to. */
  async beginToDial(name: PhoneName, dialled: string, node = FIRST_NODE): Promise<Phone> {
    return this.add(name, { role: 'caller', number: this.numberOf(name), dialled, node });
  }

  /** A phone that can be called; resolves when it listens. @returns its port. */
  async listen(name: PhoneName): Promise<number> {
    return (await this.add(name, { role: 'callee' })).sipPort;
  }

  /** The number that a phone calls from: no two phones of a run have the same. */
  private numberOf(name: PhoneName): string {
    return `${name}-${this.id}`;
  }

  /** Into the application, which answers; resolves with the channel. */
  async dialApplication(name: PhoneName, node = FIRST_NODE): Promise<Channel> {
    const phone = await this.beginToDial(name, `wc-stasis-${this.id}`, node);
    const channel = await this.channel(name);
    await this.ask(name, 'POST', (id) => `/channels/${id}/answer`);
    await this.untilTalking(name, phone.sipPort);
    return channel;
  }

  /** The application calls a phone; resolves with the channel when the phone has answered. */
  async callPhone(name: PhoneName, node = FIRST_NODE): Promise<Channel> {
    const port = await this.listen(name);
    await this.around.application.ask(node, 'POST', `/channels/${this.id}-${name}`, {
      endpoint: `PJSIP/edge/${this.uriOf(port)}`,
      app: APP,
      callerId: this.numberOf(name),
    });
    const channel = await this.channel(name);
    await this.untilTalking(name, port);
    return channel;
  }

  /** How a phone is called through the edge. */
  uriOf(port: number): string {
    return `sip:phone-${port}@${this.around.lab.info.hosts.edge?.address ?? ''}`;
  }

  /** An ARI bridge with the channels of these phones in it. @returns its id. */
  async bridge(names: readonly PhoneName[], type = 'mixing', node = FIRST_NODE): Promise<string> {
    const bridgeId = `whole-${this.id}`;
    await this.around.application.ask(node, 'POST', `/bridges/${bridgeId}`, { type });
    for (const name of names) await this.join(name, bridgeId);
    return bridgeId;
  }

  async join(name: PhoneName, bridgeId: string, role?: string): Promise<void> {
    const { node, channelId } = await this.channel(name);
    await this.around.application.ask(node, 'POST', `/bridges/${bridgeId}/addChannel`, {
      channel: channelId,
      ...(role === undefined ? {} : { role }),
    });
  }

  /** The application asks ARI of something about the channel that the phone has now. */
  async ask(
    name: PhoneName,
    method: 'GET' | 'POST' | 'DELETE',
    path: (channelId: string) => string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const { node, channelId } = await this.channel(name);
    return this.around.application.ask(node, method, path(channelId), parameters);
  }

  /** The application sets a variable of the channel that the phone has now. */
  async setVariable(name: PhoneName, variable: string, value: string): Promise<void> {
    await this.ask(name, 'POST', (id) => `/channels/${id}/variable`, { variable, value });
  }

  /** The channel that the phone has in the application now. */
  async channel(name: PhoneName): Promise<Channel> {
    return eventually(
      `the channel of ${name} to be in the application`,
      async () => {
        await this.around.phones.look();
        const call = this.callOf(name);
        const channel = call === undefined ? undefined : this.around.application.channelOf(call.callId);
        // That of a node that has died is none.
        return ['', channel?.node].includes(this.nodeOf(name)) ? channel : undefined;
      },
      SET_UP_MS,
    );
  }

  phone(name: PhoneName): Phone {
    const found = this.phones.get(name);
    if (found === undefined) throw new Error(`${this.id} has no phone ${name}`);
    return found;
  }

  /** The phone's call as its SIP shows it up to the last look. */
  callOf(name: PhoneName): PhoneCall | undefined {
    return this.around.phones.callOf(this.phone(name));
  }

  /** Phones that are in a call, as of the last look. */
  talking(): PhoneName[] {
    return this.names.filter((name) => {
      const call = this.callOf(name);
      return call !== undefined && establishedAt(call) !== null && byeOf(call) === undefined;
    });
  }

  /** Node that a phone is on, as of the last look; empty where it is on none. */
  nodeOf(name: PhoneName): string {
    const call = this.callOf(name);
    return call === undefined ? '' : nodeAt(call, NOW);
  }

  /** A person presses a key; resolves when Asterisk has answered 200. */
  async press(name: PhoneName, digit: string): Promise<void> {
    await this.untilAnswered(name, 'PRESS', 'INFO', digit);
  }

  /** A phone puts the other one on hold, or takes it off; resolves when its re-INVITE is answered 200. */
  async personHolds(name: PhoneName, command: 'HOLD' | 'RESUME'): Promise<void> {
    await this.untilAnswered(name, command, 'INVITE');
  }

  /** A person hangs up; resolves when somebody has: the other side may have been faster. */
  async hangUp(name: PhoneName): Promise<void> {
    await this.person(name, 'HANGUP', 'BYE', () => !this.talking().includes(name));
  }

  private async untilAnswered(
    name: PhoneName,
    command: Command,
    method: string,
    digit?: string,
  ): Promise<void> {
    const before = this.requestsOf(name, method).length;
    await this.person(
      name,
      command,
      method,
      () => this.requestsOf(name, method)[before]?.answer?.status === 200,
      digit,
    );
  }

  /**
   * A person does something with the phone, which sends a request. Told again as long as it has not.
   */
  private async person(
    name: PhoneName,
    command: Command,
    method: string,
    done: () => boolean,
    digit?: string,
  ): Promise<void> {
    const before = this.requestsOf(name, method).length;
    let toldAt = -Infinity;
    await eventually(
      `the ${method} of ${name} to be answered`,
      async () => {
        await this.around.phones.look();
        if (done()) return true;
        const isSent = this.requestsOf(name, method).length > before;
        if (!isSent && performance.now() - toldAt > TELL_AGAIN_MS) {
          toldAt = performance.now();
          await this.around.phones.command(this.phone(name), command, digit);
        }
        return false;
      },
      SET_UP_MS,
    );
  }

  /** What the phone itself has sent in its call, up to the last look. */
  private requestsOf(name: PhoneName, method: string): ObservedRequest[] {
    return (this.callOf(name)?.requests ?? []).filter((one) => one.by === 'phone' && one.method === method);
  }

  /** Resolves when a phone is so far in the prompt that there is no mistaking it for its beginning, and enough is left. */
  async untilInPrompt(name: PhoneName): Promise<void> {
    await eventually(
      `${name} to hear the middle of the prompt`,
      async () => {
        await this.around.phones.look();
        return this.around.phones.heardBy(this.phone(name), 0).some(({ piece }) => piece === MIDDLE_PIECE);
      },
      SET_UP_MS,
    );
  }

  /** Asterisk's name of the channel that a phone has now. */
  async channelName(name: PhoneName): Promise<string> {
    const all = (await this.around.application.ask(this.nodeOf(name), 'GET', '/channels')) as {
      readonly name: string;
      readonly protocol_id: string;
    }[];
    const found = all.find(({ protocol_id: callId }) => callId === this.callOf(name)?.callId);
    if (found === undefined) throw new Error(`${name} has no channel`);
    return found.name;
  }

  /** Makes a phone a member of a queue on a node. */
  async addMember(node: string, queue: string, port: number): Promise<void> {
    // Asterisk knows the state of an endpoint, and not of a URI by way of one.
    const member = `PJSIP/edge/${this.uriOf(port)} to ${queue} penalty 0 as member state_interface Custom:${port}`;
    const said = await this.cli(node, `queue add member ${member}`);
    if (!said.startsWith('Added')) throw new Error(`${node} says: ${said.trim()}`);
  }

  /** Asks a node's command line. @returns what it says. */
  async cli(node: string, command: string): Promise<string> {
    return (await this.around.lab.exec(node, ['asterisk', '-rx', command])).stdout;
  }

  /** Resolves when a phone that was told to dial, or to listen, is in its call. */
  async untilTalking(name: PhoneName, port = this.phone(name).sipPort): Promise<void> {
    await eventually(
      `${name} (port ${port}) to be in its call`,
      async () => {
        await this.around.phones.look();
        return this.talking().includes(name);
      },
      SET_UP_MS,
    );
  }

  private async add(name: PhoneName, script: Parameters<Phones['add']>[1]): Promise<Phone> {
    const phone = await this.around.phones.add(name, script);
    this.phones.set(name, phone);
    return phone;
  }
}
