/** Test data: SIP messages of a call as a phone sees them, and capture files. */
import type { Datagram } from '../src/capture/pcap.js';

export const PHONES = '10.0.0.30';
export const EDGE = '10.0.0.10';
const PHONE_PORT = 6000;

export interface CallSpec {
  readonly callId: string;
  readonly dialled?: string;
  readonly number?: string;
  readonly rtpPort?: number;
}

interface Step {
  readonly at: number;
  readonly by: 'phone' | 'network';
}

function datagram(step: Step, text: string): Datagram {
  const fromPhone = step.by === 'phone';
  return {
    at: step.at,
    sourceAddress: fromPhone ? PHONES : EDGE,
    sourcePort: fromPhone ? PHONE_PORT : 5060,
    targetAddress: fromPhone ? EDGE : PHONES,
    targetPort: fromPhone ? 5060 : PHONE_PORT,
    payload: Buffer.from(text.replace(/\n/g, '\r\n')),
  };
}

/** One caller's dialog, message by message. `cseq` and tags as the phone would see them. */
export class CallerScript {
  constructor(private readonly spec: CallSpec) {}

  private headers(from: 'phone' | 'network', cseq: string, extra: string[] = [], branch = cseq): string {
    const { callId, number = '10001', dialled = 'app-10001' } = this.spec;
    const phone = `<sip:${number}@${PHONES}>;tag=phone`;
    const ours = `<sip:${dialled}@${EDGE}>`;
    const tagged = `${ours};tag=ours`;
    return [
      `Via: SIP/2.0/UDP ${from === 'phone' ? PHONES : EDGE};branch=z9hG4bK${branch.replace(' ', '')}`,
      `From: ${from === 'phone' ? phone : tagged}`,
      `To: ${from === 'phone' ? (extra.includes('initial') ? ours : tagged) : phone}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq}`,
      ...extra.filter((line) => line !== 'initial'),
    ].join('\n');
  }

  private sdp(): string {
    return `v=0\no=- 1 1 IN IP4 ${PHONES}\ns=-\nc=IN IP4 ${PHONES}\nt=0 0\nm=audio ${this.spec.rtpPort ?? 20000} RTP/AVP 0\n`;
  }

  invite(at: number): Datagram {
    const { dialled = 'app-10001' } = this.spec;
    const head = this.headers('phone', '1 INVITE', ['initial']);
    return datagram({ at, by: 'phone' }, `INVITE sip:${dialled}@${EDGE} SIP/2.0\n${head}\n\n${this.sdp()}`);
  }

  answered(at: number, node: string): Datagram {
    const head = this.headers('phone', '1 INVITE', [`Server: Asterisk-${node}`]);
    return datagram({ at, by: 'network' }, `SIP/2.0 200 OK\n${head}\n\n`);
  }

  ack(at: number): Datagram {
    return datagram({ at, by: 'phone' }, `ACK sip:${EDGE} SIP/2.0\n${this.headers('phone', '1 ACK')}\n\n`);
  }

  established(at: number, node: string): Datagram[] {
    return [this.invite(at), this.answered(at + 10, node), this.ack(at + 12)];
  }

  reinvite(at: number, node: string, cseq = 101, branch?: string): Datagram {
    const head = this.headers('network', `${cseq} INVITE`, [`User-Agent: Asterisk-${node}`], branch);
    return datagram({ at, by: 'network' }, `INVITE sip:phone@${PHONES} SIP/2.0\n${head}\n\n`);
  }

  reinviteAnswered(at: number, cseq = 101, status = '200 OK', branch?: string): Datagram {
    const head = this.headers('network', `${cseq} INVITE`, [], branch);
    return datagram({ at, by: 'phone' }, `SIP/2.0 ${status}\n${head}\n\n${this.sdp()}`);
  }

  reinviteAcked(at: number, cseq = 101, branch?: string): Datagram {
    const head = this.headers('network', `${cseq} ACK`, [], branch);
    return datagram({ at, by: 'network' }, `ACK sip:phone@${PHONES} SIP/2.0\n${head}\n\n`);
  }

  recovered(at: number, node: string, cseq = 101): Datagram[] {
    return [
      this.reinvite(at, node, cseq),
      this.reinviteAnswered(at + 2, cseq),
      this.reinviteAcked(at + 5, cseq),
    ];
  }

  /** By somebody who is no part of the network. */
  told(at: number, command: string): Datagram {
    const head = this.headers('network', `1 ${command}`);
    return datagram({ at, by: 'network' }, `${command} sip:phone@${PHONES} SIP/2.0\n${head}\n\n`);
  }

  bye(at: number, status = '200 OK'): Datagram[] {
    return [
      datagram({ at, by: 'phone' }, `BYE sip:${EDGE} SIP/2.0\n${this.headers('phone', '2 BYE')}\n\n`),
      datagram({ at: at + 5, by: 'network' }, `SIP/2.0 ${status}\n${this.headers('phone', '2 BYE')}\n\n`),
    ];
  }
}

/** RTP packets that arrive at a phone, one each 20 ms. */
export function voiceAt(port: number, from: number, to: number, firstByte = 0xff): Datagram[] {
  const packets: Datagram[] = [];
  for (let at = from; at < to; at += 20) {
    const payload = Buffer.alloc(172, firstByte);
    payload[0] = 0x80;
    packets.push({
      at,
      sourceAddress: EDGE,
      sourcePort: 30000,
      targetAddress: PHONES,
      targetPort: port,
      payload,
    });
  }
  return packets;
}

/** A capture file as tcpdump writes it on a little-endian machine. */
export function captureFile(datagrams: readonly Datagram[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(1, 20);
  return Buffer.concat([header, ...datagrams.map(record)]);
}

function record(datagram: Datagram): Buffer {
  const frame = Buffer.alloc(42 + datagram.payload.length);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(28 + datagram.payload.length, 16);
  frame[23] = 17;
  datagram.sourceAddress.split('.').forEach((octet, index) => (frame[26 + index] = Number(octet)));
  datagram.targetAddress.split('.').forEach((octet, index) => (frame[30 + index] = Number(octet)));
  frame.writeUInt16BE(datagram.sourcePort, 34);
  frame.writeUInt16BE(datagram.targetPort, 36);
  frame.writeUInt16BE(8 + datagram.payload.length, 38);
  datagram.payload.copy(frame, 42);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(datagram.at / 1000), 0);
  header.writeUInt32LE(Math.round((datagram.at % 1000) * 1000), 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(frame.length, 12);
  return Buffer.concat([header, frame]);
}
