import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codedError, createLogger } from '@reinvite/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { Council, type OwnView } from '../src/agreement/council.js';
import { fenceByAgreement, type FenceOrder, type FencerOptions } from '../src/fencer.js';
import { LeaseBook } from '../src/lease/lease-book.js';

const log = createLogger('test', 'silent');
const node = { id: 'ast1', sipAddresses: ['10.0.0.11'] };
const order: FenceOrder = {
  incarnation: 'A',
  cause: 'silent',
  silentMs: 2_000,
  stillNeeded: async () => true,
};

/** A fencer whose agent never answers, of one sentinel. */
function fencer(more: Partial<FencerOptions> & { view?: OwnView } = {}): FencerOptions {
  const { view = { suspects: true, down: false, leaseOver: null }, ...rest } = more;
  const bus = {
    request: async () => {
      throw codedError('REQUEST_TIMEOUT', 'no answer');
    },
    respond: () => () => undefined,
    requestMany: async () => [],
  };
  return {
    ...{
      bus,
      log,
      timeoutMs: 20_000,
      command: [process.execPath, '-e', 'process.exit(0)'],
      retryMs: () => 200,
    },
    council: new Council({
      sentinelId: 's1',
      sentinels: 1,
      timeoutMs: 50,
      bus,
      log,
      mono: () => 0,
      view: () => view,
    }),
    edges: { rpcUrls: [], timeoutMs: 20_000, log },
    edgeStaleMs: 1_750,
    book: new LeaseBook(),
    mono: () => 0,
    signal: new AbortController().signal,
    ...rest,
  };
}

describe('fencing by agreement', () => {
  let edge: Server | undefined;
  afterEach(() => edge?.close());

  const edgeThatSays = async (flags: string): Promise<FencerOptions['edges']> => {
    const targets = [{ DEST: { URI: 'sip:10.0.0.11:5060', FLAGS: flags } }];
    const answer = JSON.stringify({ result: { RECORDS: [{ SET: { TARGETS: targets } }] } });
    edge = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1');
    await once(edge, 'listening');
    return {
      rpcUrls: [`http://127.0.0.1:${(edge.address() as AddressInfo).port}/rpc`],
      timeoutMs: 20_000,
      log,
    };
  };

  it('asks the command where the agent is silent and nobody objects', async () => {
    expect(await fenceByAgreement(node, order, fencer())).toMatchObject({ kind: 'fenced', by: 'command' });
  });

  it('leaves a node alone that an edge is answered by', async () => {
    const edges = await edgeThatSays('AP');
    expect(await fenceByAgreement(node, order, fencer({ edges }))).toMatchObject({
      kind: 'fence-put-off',
      waitMs: 200,
    });
    // The edge may not have noticed yet: it is asked again once it would have.
    const young = { ...order, silentMs: 1_200 };
    expect(await fenceByAgreement(node, young, fencer({ edges }))).toMatchObject({ waitMs: 550 });
  });

  it('goes on where the edge has lost the node too, or does not answer', async () => {
    const edges = await edgeThatSays('TP');
    expect(await fenceByAgreement(node, order, fencer({ edges }))).toMatchObject({ kind: 'fenced' });
    const away = { rpcUrls: ['http://127.0.0.1:1/rpc'], timeoutMs: 20_000, log };
    expect(await fenceByAgreement(node, order, fencer({ edges: away }))).toMatchObject({ kind: 'fenced' });
  });

  it('does not ask an edge about an Asterisk that hangs: its kernel may be well', async () => {
    const edges = await edgeThatSays('AP');
    const hung: FenceOrder = { ...order, cause: 'hung' };
    expect(await fenceByAgreement(node, hung, fencer({ edges }))).toMatchObject({ kind: 'fenced' });
  });

  it('does nothing without a majority', async () => {
    const view = { suspects: false, down: false, leaseOver: null };
    expect(await fenceByAgreement(node, order, fencer({ view }))).toMatchObject({ kind: 'fence-put-off' });
  });

  it('takes a lease that is over for the fence', async () => {
    const view = { suspects: true, down: false, leaseOver: true };
    expect(await fenceByAgreement(node, order, fencer({ view, command: undefined }))).toMatchObject({
      kind: 'fenced',
      by: 'lease',
    });
  });

  it('waits for a lease that runs on where nobody else confirms, and fails where there is none', async () => {
    const book = new LeaseBook();
    book.grant('ast1', 'A', 10_000, 0);
    const cut = fencer({ book, command: undefined });
    expect(await fenceByAgreement(node, order, cut)).toMatchObject({ kind: 'fence-put-off', waitMs: 12_021 });
    expect(await fenceByAgreement(node, order, fencer({ command: undefined }))).toMatchObject({
      kind: 'fence-failed',
    });
  });
});
