import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const request = z.object({ method: z.string(), params: z.array(z.union([z.string(), z.number()])) });

/** The JSON-RPC of an edge, as Kamailio's `tm.reply_callid`, `dispatcher.list` and `dispatcher.set_state` answer. */
export class FakeEdge {
  /** Pending INVITEs, as `<Call-ID> <CSeq>`. */
  readonly pending = new Set<string>();
  readonly asked: z.infer<typeof request>[] = [];
  /** Flags of the targets of group 1, by URI. */
  readonly targets = new Map<string, string>();
  /** What it answers in place of what it should. */
  answers: object | string | null = null;

  private constructor(private readonly server: Server) {
    server.on('request', (incoming, response) => void this.answer(incoming, response));
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = request.parse(JSON.parse(await text(incoming)));
    this.asked.push(asked);
    const reply = this.answers ?? { jsonrpc: '2.0', id: 1, ...this.answerTo(asked) };
    response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
  }

  private answerTo({ method, params }: z.infer<typeof request>): object {
    if (method === 'dispatcher.list') {
      const TARGETS = [...this.targets].map(([URI, FLAGS]) => ({ DEST: { URI, FLAGS, PRIORITY: 0 } }));
      return { result: { NRSETS: 1, RECORDS: [{ SET: { ID: 1, TARGETS } }] } };
    }
    if (method === 'dispatcher.set_state') {
      this.targets.set(String(params[2]), String(params[0]).toUpperCase());
      return { result: '' };
    }
    const known = this.pending.delete(`${params[2]} ${params[3]}`);
    return known ? { result: '' } : { error: { code: 404, message: 'Transaction not found' } };
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
