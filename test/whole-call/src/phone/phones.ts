import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import {
  Capture,
  CaptureTail,
  Person,
  Sipp,
  SipTrace,
  type Command,
  type PhoneCall,
} from '@reinvite/test-phones';
import { Ear, type Heard } from '../sound/ear.js';
import type { PhoneName } from '../sound/sounds.js';
import { DIGIT_HEADER, phoneScript, type CalleeScript, type CallerScript } from './script.js';

const FIRST_SIP_PORT = 6_000;
const FIRST_RTP_PORT = 20_000;
const RTP_PORTS_EACH = 10;

/** A phone, in no call yet or in one. */
export interface Phone {
  /** What it is called in its case, and whose voice it has. */
  readonly name: PhoneName;
  readonly sipPort: number;
}

/** Where the voices are, as every host of the lab sees it. */
export type VoiceFile = (name: PhoneName) => string;

/**
 * SIPp phones in the lab's `phones` host, each a process of its own with a voice of its own, and tcpdump at their interface: what
 * they say and hear is read from there and nowhere else.
 */
export class Phones {
  private readonly ear = new Ear();
  private readonly sip: SipTrace;
  private readonly sipps: Sipp[] = [];
  private readonly person: Person;
  private reading: Promise<void> = Promise.resolve();

  private constructor(
    private readonly lab: Lab,
    private readonly dir: string,
    private readonly voice: VoiceFile,
    private readonly numbers: Iterator<number>,
    private readonly captures: { readonly sip: Capture; readonly voice: Capture },
    private readonly tails: { readonly sip: CaptureTail; readonly voice: CaptureTail },
  ) {
    const host = lab.info.hosts.phones?.address ?? '';
    this.sip = new SipTrace(host);
    this.person = new Person(host);
  }

  /**
   * Begins to capture; no phone is there yet.
   * @param numbers of the phones: no two of a lab have the same, so that none gets what is meant for one before it.
   */
  static async start(lab: Lab, voice: VoiceFile, numbers: Iterator<number>): Promise<Phones> {
    const dir = `phones-${randomUUID()}`;
    await mkdir(path.join(lab.info.shared, dir));
    const captures = { sip: await Capture.start(lab, 'sip'), voice: await Capture.start(lab, 'voice') };
    return new Phones(lab, dir, voice, numbers, captures, {
      sip: await CaptureTail.open(captures.sip.file),
      voice: await CaptureTail.open(captures.voice.file),
    });
  }

  /** Starts a phone; resolves when it listens, or has begun to dial. */
  async add(name: PhoneName, script: CallerScript | CalleeScript): Promise<Phone> {
    const index = Number(this.numbers.next().value);
    const sipPort = FIRST_SIP_PORT + index;
    const min = FIRST_RTP_PORT + index * RTP_PORTS_EACH;
    const sipp = await Sipp.start(this.lab, this.dir, {
      name: `${name}-${sipPort}`,
      scenario: phoneScript(script, this.voice(name)),
      injection: 'SEQUENTIAL\nnothing\n',
      calls: 1,
      ports: { sip: sipPort, rtp: { min, max: min + RTP_PORTS_EACH - 1 } },
    });
    this.sipps.push(sipp);
    return { name, sipPort };
  }

  /** Reads what has come since the last look. */
  async look(): Promise<void> {
    this.reading = this.reading.then(async () => {
      await this.tails.sip.read((datagram) => this.sip.add(datagram));
      await this.tails.voice.read((datagram) => this.ear.add(datagram));
    });
    await this.reading;
  }

  /** The phone's call as its SIP shows it up to the last look; undefined before there is one. */
  callOf({ sipPort }: Phone): PhoneCall | undefined {
    return [...this.sip.calls.values()].find((call) => call.sipPort === sipPort);
  }

  /** What the phone heard from a moment on, up to the last look. */
  heardBy(phone: Phone, from: number): Heard[] {
    return this.ear.heard(this.callOf(phone)?.rtpPorts ?? [], from);
  }

  /** Has a person do something with the phone. It is in a call. */
  async command(phone: Phone, command: Command, digit?: string): Promise<void> {
    const call = this.callOf(phone);
    if (call === undefined) throw new Error(`${phone.name} is in no call`);
    await this.person.tell(call, command, digit === undefined ? [] : [`${DIGIT_HEADER}: ${digit}`]);
  }

  /** What SIPp complained of. */
  async complaints(): Promise<string> {
    return (await Promise.all(this.sipps.map((sipp) => sipp.complaints()))).join('').slice(0, 4_000);
  }

  /**
   * Ends phones and captures.
   * @returns how many packets could not be captured.
   */
  async stop(): Promise<number> {
    await Promise.all(this.sipps.map((sipp) => sipp.stop()));
    const [sip, voice] = await Promise.all([this.captures.sip.stop(), this.captures.voice.stop()]);
    await this.look();
    await Promise.all([this.tails.sip.close(), this.tails.voice.close()]);
    this.person.close();
    return sip.dropped + voice.dropped;
  }
}

/** Numbers from 0 on, for {@link Phones.start}. */
export function* countUp(): Generator<number, never> {
  for (let number = 0; ; number += 1) yield number;
}
