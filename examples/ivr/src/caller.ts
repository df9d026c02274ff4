import { isFlowError, recoveredFlow, type FlowClient } from '@reinvite/flow-client';
import type { Ari, Bridge, Channel } from './ari.js';
import { afterDigit, afterEntering, afterPrompt, BEGINNING, stateOf, type State } from './state.js';

/** What a caller needs beside its channel. */
export interface CallerOptions {
  readonly flow: Pick<FlowClient, 'put' | 'get' | 'once'>;
  /** Media that asks for the number of the conference. */
  readonly prompt: string;
  /** Charges for the call: the effect that must happen once. */
  readonly bill: (callId: string, conference: string) => Promise<void>;
  readonly say: (what: string, about: object) => void;
}

/**
 * One caller, from the prompt into the conference. Whatever happens is first put into the state, then acted on: so the state
 * always says what is to be done, and a channel that comes back does just that.
 */
export class Caller {
  private state: State = BEGINNING;
  private version = 0;
  private playback = '';
  private work: Promise<void> = Promise.resolve();
  private isGone = false;

  constructor(
    private readonly ari: Pick<Ari, 'request'>,
    private readonly channel: Channel,
    private readonly options: CallerOptions,
  ) {}

  /** The channel is ours: a new call, or one that has come back. */
  started(args: readonly string[]): void {
    this.next(async () => {
      const back = recoveredFlow(args);
      if (back === null) await this.ari.request('POST', this.path('/answer'));
      this.state = stateOf(back?.state ?? null);
      this.version = back?.version ?? 0;
      this.options.say(back === null ? 'begins' : 'is back', { ...this.about(), ...this.state });
      if (this.version === 0) await this.change(() => BEGINNING);
      await this.goOn();
    });
  }

  pressed(digit: string): void {
    this.next(async () => {
      const wasPrompting = this.state.step === 'prompt';
      await this.change((state) => afterDigit(state, digit));
      if (wasPrompting && this.state.step !== 'prompt') await this.hush();
      if (this.state.step === 'joining') await this.join();
    });
  }

  promptEnded(): void {
    this.next(() => this.change(afterPrompt));
  }

  entered(): void {
    this.next(async () => {
      this.options.say('entered', this.about());
      await this.change(afterEntering);
    });
  }

  /** The channel is gone, for now or for good. */
  gone(): void {
    this.isGone = true;
  }

  /** Acts on the state as it is. */
  private async goOn(): Promise<void> {
    if (this.state.step === 'prompt') await this.play();
    else if (this.state.step === 'joining') await this.join();
    // `collect` waits for digits; into a conference that it was in Reinvite has put it back.
  }

  private async play(): Promise<void> {
    this.playback = `prompt-${this.channel.id}`;
    await this.ari.request('POST', this.path(`/play/${this.playback}`), { media: this.options.prompt });
  }

  private async hush(): Promise<void> {
    // 404: it was over.
    if (this.playback !== '') await this.ari.request('DELETE', `/playbacks/${this.playback}`, {}, [404]);
  }

  private async join(): Promise<void> {
    const { flow, bill, say } = this.options;
    const { protocol_id: callId, id: channel } = this.channel;
    const conference = this.state.digits;
    const billed = await flow.once(callId, 'billed', async () => {
      await bill(callId, conference);
      return null;
    });
    // Perhaps it was charged, perhaps not: not twice at least. A person finds out.
    if (billed.status === 'unknown') say('billing unknown', this.about());
    await this.enter(`/bridges/conference-${conference}`, channel);
  }

  private async enter(bridge: string, channel: string): Promise<void> {
    // Once more where the last one has left at this very moment, and the bridge is gone (404).
    for (;;) {
      // 409: it is there.
      await this.ari.request('POST', bridge, { type: 'mixing' }, [409]);
      const there = (await this.ari.request('GET', bridge, {}, [404])) as Bridge | undefined;
      if (there === undefined) continue;
      if (there.channels.includes(channel)) return;
      const added = await this.ari.request('POST', `${bridge}/addChannel`, { channel }, [404]);
      if (added !== undefined) return;
    }
  }

  /**
   * Changes the state. Where the one that came back with the channel was not the last, because the old channel's last word was
   * put while its node was dying, the last one is changed.
   */
  private async change(next: (state: State) => State): Promise<void> {
    const { flow } = this.options;
    const { protocol_id: callId } = this.channel;
    for (;;) {
      const state = next(this.state);
      if (state === this.state && this.version > 0) return;
      try {
        this.version = await flow.put(callId, { ...state }, { expectedVersion: this.version });
        this.state = state;
        this.options.say('goes on', { ...this.about(), ...state });
        return;
      } catch (error) {
        if (!isFlowError(error, 'FLOW_VERSION_CONFLICT')) throw error;
        const last = await flow.get(callId);
        this.version = last.version;
        this.state = stateOf(last.state);
      }
    }
  }

  /** One thing after the other. */
  private next(work: () => Promise<void>): void {
    this.work = this.work
      .then(() => (this.isGone ? undefined : work()))
      .catch((error: unknown) => this.options.say('failed', { ...this.about(), error: String(error) }));
  }

  private path(what: string): string {
    return `/channels/${this.channel.id}${what}`;
  }

  private about(): object {
    const { id: channelId, protocol_id: callId } = this.channel;
    return { callId, channelId };
  }
}
