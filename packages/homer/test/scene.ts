import { readFileSync } from 'node:fs';
import { ACCOUNT, FakeHomer, type Behaviour, type Captured } from '@reinvite/fake-homer';
import { createLogger, parseConfig, type Config } from '@reinvite/runtime';
import { decodeHep } from '@reinvite/sip';
import { openHomer } from '../src/open.js';
import type { HomerSource } from '../src/homer-source.js';

/**
 * What Asterisk 22.10.1 sent by `res_hep`: a phone behind the edge called, `Dial` called another phone, the caller hung up.
 * One packet a line, in base64.
 */
export const packets = readFileSync(new URL('fixtures/asterisk-22-dial.hep.b64', import.meta.url), 'latin1')
  .trim()
  .split('\n')
  .map((line) => decodeHep(Buffer.from(line, 'base64')));

const isBye = ({ payload }: Captured): boolean => /^CSeq: \d+ BYE/im.test(payload.toString('utf8'));
/** The call as it was before the caller hung up. */
export const established = packets.filter((packet) => !isBye(packet));
export const byes = packets.filter(isBye);
export const INBOUND = '1-427@10.77.1.30';
export const OUTBOUND =
  /^Call-ID: (.*?)\r?$/im.exec(
    packets.find(({ payload }) => !payload.toString('utf8').includes(INBOUND))?.payload.toString('utf8') ??
      '',
  )?.[1] ?? '';
/** Epoch ms. */
export const BEGAN_AT = Math.floor(Math.min(...packets.map(({ at }) => at)) / 1_000);
export const ENDED_AT = Math.ceil(Math.max(...packets.map(({ at }) => at)) / 1_000);
export const SEARCH = { since: BEGAN_AT, until: ENDED_AT };

export const NODE = {
  id: 'ast1',
  sipAddresses: ['10.77.1.101'],
  ari: { url: 'http://10.77.1.101:8088', username: 'x', password: 'x' },
};

/** A configuration in which everything is fast, so that tests need not wait for long. */
export function configOf(homer: object, nodes: readonly object[] = [NODE]): Config {
  return parseConfig({
    nats: { servers: ['nats://127.0.0.1'] },
    postgres: {},
    nodes,
    dialogs: { sources: 'homer' },
    homer: {
      username: ACCOUNT.username,
      password: ACCOUNT.password,
      settleMs: 1,
      pollMs: 15,
      deadlineMs: 20_000,
      requestTimeoutMs: 2_000,
      ...homer,
    },
  });
}

/** A fake HOMER and the source that asks it. */
export class Scene {
  readonly stopping = new AbortController();
  private constructor(
    readonly fake: FakeHomer,
    readonly source: HomerSource,
  ) {}

  static async open(
    version: 7 | 11,
    settings: {
      behaviour?: Partial<Behaviour>;
      homer?: object;
      nodes?: readonly object[];
      tls?: { cert: string; key: string };
    } = {},
  ): Promise<Scene> {
    const { tls } = settings;
    const fake = await FakeHomer.start({
      behaviour: { flushMs: 0, ...settings.behaviour },
      ...(tls === undefined ? {} : { tls }),
    });
    const config = configOf({ version, url: fake.url, ...settings.homer }, settings.nodes);
    const stopping = new AbortController();
    const source = await openHomer(config, createLogger('test', 'fatal'), stopping.signal);
    const scene = new Scene(fake, source);
    scene.stopping.signal.addEventListener('abort', () => stopping.abort());
    return scene;
  }

  add(captured: readonly Captured[]): void {
    for (const one of captured) this.fake.add(one);
  }
}
