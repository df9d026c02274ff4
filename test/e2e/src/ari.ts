import { connectAri, type AriConnection } from '@reinvite/ari';
import type { Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';

/** An ARI application of the test's own on every node of a lab, which does nothing by itself. */
export class TestAri {
  private readonly stopping = new AbortController();
  private readonly connections = new Map<string, AriConnection>();

  constructor(private readonly lab: Lab) {}

  /** @throws Error for a node that the lab has not. */
  async on(node: string): Promise<AriConnection> {
    const known = this.connections.get(node);
    if (known !== undefined) {
      await known.whenUp();
      return known;
    }
    const ari = this.lab.info.ari[node];
    if (ari === undefined) throw new Error(`${node} has no ARI`);
    const connection = connectAri({
      url: ari.url.replace(/\/ari$/, ''),
      username: ari.username,
      password: ari.password,
      app: 'e2e',
      subscribeAll: true,
      log: createLogger('e2e', 'silent'),
      signal: this.stopping.signal,
    });
    this.connections.set(node, connection);
    await connection.whenUp();
    return connection;
  }

  close(): void {
    this.stopping.abort(new Error('the test is over'));
  }
}
