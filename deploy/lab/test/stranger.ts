import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const EDGE_PORT = 5060;
const TIMEOUT_MS = 10_000;

/** One request that a stranger sends; header lines are added as they are. */
export interface StrangerRequest {
  readonly method: string;
  readonly uri: string;
  readonly callId: string;
  readonly cseq: number;
  readonly fromTag: string;
  readonly toTag?: string;
  readonly headers?: readonly string[];
  readonly sdp?: boolean;
}

/** Somebody with a UDP socket, on the machine's own address of the lab: may be anybody's phone, may be an attacker. */
export class Stranger {
  private readonly heard: string[] = [];
  private sent = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly address: string,
    private readonly edge: string,
  ) {
    socket.on('message', (text) => this.heard.push(text.toString()));
  }

  static async at(address: string, edge: string): Promise<Stranger> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Stranger(socket, address, edge);
  }

  get uri(): string {
    return `sip:stranger@${this.address}:${this.socket.address().port}`;
  }

  /** Everything that has arrived so far, answers and requests. */
  arrived(): readonly string[] {
    return this.heard;
  }

  /** Sends without waiting. Gives the branch, by which its answers are known. */
  send(request: StrangerRequest): string {
    const { method, uri, callId, cseq, fromTag, toTag, headers = [], sdp = false } = request;
    const branch = `z9hG4bKstranger${(this.sent += 1)}`;
    const body = sdp
      ? `v=0\r\no=- 1 1 IN IP4 ${this.address}\r\ns=-\r\nc=IN IP4 ${this.address}\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n`
      : '';
    const text = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.address}:${this.socket.address().port};branch=${branch}`,
      'Max-Forwards: 70',
      `From: <${this.uri}>;tag=${fromTag}`,
      `To: <sip:somebody@${this.edge}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <${this.uri}>`,
      ...headers,
      ...(sdp ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
    this.socket.send(text, EDGE_PORT, this.edge);
    return branch;
  }

  /** Sends, and gives the final answer. */
  async ask(request: StrangerRequest): Promise<{ readonly status: number; readonly toTag: string }> {
    const branch = this.send(request);
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      const answer = this.heard.find((text) => text.includes(branch) && /^SIP\/2\.0 [2-6]/.test(text));
      if (answer !== undefined)
        return {
          status: Number(answer.slice(8, 11)),
          toTag: /^To:.*;tag=([^;\r]+)/m.exec(answer)?.[1] ?? '',
        };
      if (performance.now() > deadline)
        throw new Error(`no answer to ${request.method} of ${request.callId}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    this.socket.close();
  }
}
