import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const request = z.object({ method: z.string(), params: z.array(z.union([z.string(), z.number()])) });

/** The JSON-RPC of an edge, as Kamailio's `tm.reply_callid` answers. */
export class FakeEdge {
  /** Pending INVITEs, as `<Call-ID> <CSeq>`. */
  readonly pending = new Set<string>();
  readonly asked: z.infer<typeof request>[] = [];
  /** What it answers in place of what it should. */
  answers: object | string | null = null;

  private constructor(private readonly server: Server) {
    server.on('request', (incoming, response) => void this.answer(incoming, response));
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = request.parse(JSON.parse(await text(incoming)));
    this.asked.push(asked);
    const known = this.pending.delete(`${asked.params[2]} ${asked.params[3]}`);
    const body = known ? { result: '' } : { error: { code: 404, message: 'Transaction not found' } };
    const reply = this.answers ?? { jsonrpc: '2.0', id: 1, ...body };
    response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
  }

  static async start(): Promise<FakeEdge> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeEdge(server);
  }

  get rpcUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/rpc`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
