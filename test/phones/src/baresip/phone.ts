import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import type { SipRequest } from '@reinvite/sip';
import { BaresipControl, type BaresipEvent } from './control.js';
import { accountLine, configFile, homeOf, type BaresipSettings } from './settings.js';
import { loudSamples, voiceWave } from './sound.js';
import { readTrace, type TracedMessage } from './trace.js';

const LOOK_EVERY_MS = 50;
const TIMEOUT_MS = 60_000;
/** From the end of a phone's connection until its process is gone too. */
const EXIT_MS = 1_000;
/** How long the phone can speak. */
const VOICE_S = 900;
/** A quarter of a second of voice: more than any noise when a stream starts. */
const HEARD_SAMPLES = 2_000;
/** Ports of the first phone; each further one has the next. */
const PORTS = { sip: 5_800, control: 4_800, rtp: 19_000, rtpEach: 10 } as const;
const USERS = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

/** What the phone's screen would show. */
export type BaresipState = 'idle' | 'dialling' | 'ringing' | 'established' | 'closed';

const STATE_AFTER: Readonly<Record<string, BaresipState>> = {
  CALL_INCOMING: 'ringing',
  CALL_ESTABLISHED: 'established',
  CALL_CLOSED: 'closed',
};

/** What a phone is like. */
export interface BaresipTraits extends Pick<BaresipSettings, 'transport' | 'media' | 'recorder'> {
  /** A user of the lab's edge; one phone each. */
  readonly user: (typeof USERS)[number];
}

/**
 * baresip in the lab's `phones` host: a user agent that people use, with a voice, told by its control port what a person
 * would tell it. It registers at the edge and is called by its name there (`PJSIP/edge/sip:alice@EDGE`).
 *
 * Methods that wait throw an Error that names what they waited for, and the end of what baresip has printed.
 */
export class BaresipPhone {
  private printed = '';
  private state: BaresipState = 'idle';
  private call = '';
  private control: BaresipControl | undefined;

  private constructor(
    private readonly settings: BaresipSettings,
    private readonly dir: string,
    private readonly process: ChildProcess,
  ) {
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (text: Buffer) => (this.printed += text.toString()));
  }

  /** Starts the phone; resolves when the edge has taken its registration. */
  static async start(lab: Lab, traits: BaresipTraits): Promise<BaresipPhone> {
    const index = USERS.indexOf(traits.user);
    const rtp = PORTS.rtp + index * PORTS.rtpEach;
    const settings: BaresipSettings = {
      ...traits,
      own: lab.info.hosts.phones?.address ?? '',
      edge: lab.info.hosts.edge?.address ?? '',
      // TLS listens one port above.
      ports: {
        sip: PORTS.sip + 2 * index,
        control: PORTS.control + index,
        rtp: [rtp, rtp + PORTS.rtpEach - 1],
      },
    };
    const dir = lab.hostPath('phones', homeOf(settings));
    await furnish(lab, settings, dir);
    const child = lab.spawn('phones', ['baresip', '-s', '-f', homeOf(settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const phone = new BaresipPhone(settings, dir, child);
    await phone.until('baresip to be ready', () => phone.printed.includes('baresip is ready'));
    phone.control = await BaresipControl.connect(settings.own, settings.ports.control, (event) => {
      phone.noticed(event);
    });
    await phone.until('its registration', () => phone.answer200To('REGISTER'));
    return phone;
  }

  /**
   * Calls a user of the lab (`app-1`, `echo`), at a node and an endpoint of it where they are given; resolves when the
   * call is established.
   */
  async dial(
    user: string,
    where: { readonly node?: string; readonly endpoint?: string } = {},
  ): Promise<void> {
    const parameters = Object.entries(where).map(([name, value]) => `;${name}=${value}`);
    this.state = 'dialling';
    await this.tell('dial', `sip:${user}@${this.settings.edge}${parameters.join('')}`);
    await this.untilState('established');
  }

  /** Takes the call that rings, or the next one that will. */
  async answer(): Promise<void> {
    await this.untilState('ringing');
    await this.tell('accept');
    await this.untilState('established');
  }

  /** Puts the other side on hold: a re-INVITE of the phone with `sendonly`. Resolves when that is answered 200. */
  hold(): Promise<void> {
    return this.reinvite('hold');
  }

  /** Takes the other side off hold; resolves when the re-INVITE is answered 200. */
  resume(): Promise<void> {
    return this.reinvite('resume');
  }

  /** Presses a key: RFC 4733 in its RTP. */
  async press(digit: string): Promise<void> {
    await this.tell('sndcode', digit);
  }

  /** Sends its party to a user of the lab (blind transfer, RFC 3515); resolves when the phone's own call is over for it. */
  async transfer(user: string): Promise<void> {
    await this.tell('transfer', `sip:${user}@${this.settings.edge}`);
    await this.untilState('closed');
  }

  /** Hangs up; resolves when the BYE is answered 200. */
  async hangUp(): Promise<void> {
    await this.tell('hangup');
    await this.until('its BYE to be answered 200', () => this.answer200To('BYE'));
  }

  currentState(): BaresipState {
    return this.state;
  }

  /** SIP Call-ID of the last call; empty before the first. */
  callId(): string {
    return this.call;
  }

  /** All SIP of the phone's last call, as it sent and received it. */
  trace(): TracedMessage[] {
    return this.messages().filter(({ message }) => message.callId === this.call);
  }

  /** re-INVITEs that the phone has received in its last call, in order; one that came again counts once. */
  reinvites(): (TracedMessage & { readonly message: SipRequest })[] {
    const seen = new Set<number>();
    return this.trace().flatMap(({ by, transport, message }) => {
      if (by === 'phone' || message.kind !== 'request' || message.method !== 'INVITE') return [];
      if (message.toTag === '' || seen.has(message.cseq.number)) return [];
      seen.add(message.cseq.number);
      return [{ by, transport, message }];
    });
  }

  /** Final status that the phone gave to a request of the network. */
  statusGiven(request: SipRequest): number | undefined {
    const answer = this.trace().find(
      ({ by, message }) =>
        by === 'phone' &&
        message.kind === 'response' &&
        message.status >= 200 &&
        message.cseq.number === request.cseq.number &&
        message.cseq.method === request.method,
    );
    return answer?.message.kind === 'response' ? answer.message.status : undefined;
  }

  /** Resolves when the phone plays a voice that has arrived after this was asked. */
  async untilHears(): Promise<void> {
    const before = await recordings(this.dir);
    await this.until('a voice', async () => {
      let heard = 0;
      for (const [file, size] of await recordings(this.dir)) {
        const known = before.get(file) ?? 0;
        // One that begins anew may have the name of the one before.
        const from = size < known ? 0 : known;
        if (size > from) heard += loudSamples(await readFile(path.join(this.dir, file)), from);
      }
      return heard >= HEARD_SAMPLES;
    });
  }

  /** Ends the phone, as when its plug is pulled: without a BYE. */
  async stop(): Promise<void> {
    this.control?.close();
    if (this.hasEnded()) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  private async reinvite(command: 'hold' | 'resume'): Promise<void> {
    const before = this.answered('INVITE');
    // baresip 1.1 says "Invalid argument" to a resume that it carries out (`uag_hold_resume` wants another call to put on
    // hold), so the re-INVITE itself is what counts.
    await this.tell(command, this.call).catch((error: unknown) => {
      if (command !== 'resume') throw error;
    });
    await this.until(`its ${command} to be answered 200`, () => this.answered('INVITE') > before);
  }

  private messages(): TracedMessage[] {
    return readTrace(this.printed, this.settings.own);
  }

  private answer200To(method: string): boolean {
    return method === 'REGISTER'
      ? this.messages().some(({ message }) => is200(message, method))
      : this.answered(method) > 0;
  }

  private answered(method: string): number {
    return this.trace().filter(({ by, message }) => by === 'network' && is200(message, method)).length;
  }

  private noticed({ type, id }: BaresipEvent): void {
    if (id !== undefined) this.call = id;
    this.state = STATE_AFTER[type] ?? this.state;
  }

  private untilState(wanted: BaresipState): Promise<void> {
    return this.until(`the call to be ${wanted}`, () => this.state === wanted);
  }

  private async tell(command: string, params?: string): Promise<void> {
    const { control } = this;
    if (control === undefined) throw new TypeError('the phone has no control connection yet');
    try {
      await control.command(command, params);
    } catch (error) {
      if (!control.isOpen && !this.hasEnded())
        await once(this.process, 'exit', { signal: AbortSignal.timeout(EXIT_MS) }).catch(() => undefined);
      throw error;
    }
  }

  private async until(what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!(await seen())) {
      const late = performance.now() > deadline;
      if (late || this.hasEnded())
        throw new Error(`${this.settings.user} waited in vain for ${what}${this.ending()}. ${this.screen()}`);
      await delay(LOOK_EVERY_MS);
    }
  }

  /** The signal by which baresip has died of itself (`SIGSEGV`); null where it lives, has exited or was stopped. */
  diedOf(): NodeJS.Signals | null {
    const { signalCode } = this.process;
    return signalCode === 'SIGKILL' ? null : signalCode;
  }

  /** The end of what baresip has printed, SIP included. */
  screen(): string {
    return this.printed.slice(-3_000);
  }

  private ending(): string {
    return this.hasEnded() ? `: baresip has ended (${this.process.signalCode ?? this.process.exitCode})` : '';
  }

  private hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }
}

/** Writes what baresip wants to find: configuration, account, certificate, voice. */
async function furnish(lab: Lab, settings: BaresipSettings, dir: string): Promise<void> {
  const [key = '', certificate = ''] = await Promise.all(
    ['phones.key', 'phones.pem'].map((file) => readFile(path.join(lab.info.shared, 'tls', file), 'utf8')),
  );
  await mkdir(dir, { recursive: true });
  const files = {
    config: configFile(settings),
    accounts: `${accountLine(settings)}\n`,
    'certificate.pem': key + certificate,
    'voice.wav': voiceWave(VOICE_S),
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(path.join(dir, name), content)));
}

function is200(message: TracedMessage['message'], method: string): boolean {
  return message.kind === 'response' && message.status === 200 && message.cseq.method === method;
}

/** Sizes in bytes of what baresip has written of what it heard; the filter begins a file with each start of its sound. */
async function recordings(dir: string): Promise<ReadonlyMap<string, number>> {
  const names = (await readdir(dir)).filter((name) => /^(dump-.*-dec|heard)\.wav$/.test(name));
  return new Map(
    await Promise.all(names.map(async (name) => [name, (await stat(path.join(dir, name))).size] as const)),
  );
}
