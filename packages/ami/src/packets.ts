import { codedError } from '@reinvite/runtime';

/** Longer than any value that Asterisk sends: it cuts variables at 4 KiB. */
const MAX_LINE = 65_536;
/** A list of hundreds of channel variables fits; what is longer is no manager's packet. */
const MAX_PACKET = 1_048_576;

/** Headers of one packet by name, as written; of a header that comes more than once the last. No prototype. */
export type AmiPacket = Readonly<Record<string, string | undefined>>;

/** Cuts what a manager interface sends into packets: lines `Name: value`, each packet ended by an empty line. */
export class PacketReader {
  private rest = '';
  private headers: Record<string, string> | undefined;
  private length = 0;
  private greeted = false;

  /**
   * Takes what has arrived, in UTF-8. @returns the packets that are complete now.
   * @throws CodedError `AMI_MESSAGE_INVALID` where the other side is no manager interface, or its lines have no end.
   */
  read(text: string): AmiPacket[] {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    this.measure(this.rest.length);
    const packets: AmiPacket[] = [];
    for (const line of lines) {
      const packet = this.line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (packet !== undefined) packets.push(packet);
    }
    return packets;
  }

  private line(line: string): AmiPacket | undefined {
    this.measure(line.length);
    if (!this.greeted) {
      this.greet(line);
      return undefined;
    }
    if (line === '') {
      const packet = this.headers;
      this.headers = undefined;
      this.length = 0;
      return packet;
    }
    this.length += line.length;
    if (this.length > MAX_PACKET)
      throw codedError('AMI_MESSAGE_INVALID', `a packet of more than ${MAX_PACKET} characters`);
    const colon = line.indexOf(':');
    // A line without a name is output of a command; we give none.
    if (colon > 0) this.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    return undefined;
  }

  private set(name: string, value: string): void {
    this.headers ??= Object.create(null) as Record<string, string>;
    this.headers[name] = value;
  }

  private greet(line: string): void {
    if (!line.startsWith('Asterisk Call Manager/'))
      throw codedError('AMI_MESSAGE_INVALID', 'what answers is no manager interface of Asterisk');
    this.greeted = true;
  }

  private measure(length: number): void {
    if (length > MAX_LINE)
      throw codedError('AMI_MESSAGE_INVALID', `a line of more than ${MAX_LINE} characters`);
  }
}

/**
 * An action as it is sent.
 * @throws CodedError `AMI_REQUEST_FAILED` for a value with a line break: it would be a header, or an action, of its own.
 */
export function writeAction(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => {
    if (/[\r\n]/.test(name + value))
      throw codedError('AMI_REQUEST_FAILED', `${name}: a line break within a value`);
    return `${name}: ${value}\r\n`;
  });
  return `${lines.join('')}\r\n`;
}
