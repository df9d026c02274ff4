import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { createLogger, isCoded } from '@reinvite/runtime';
import { eventually, startNats, type NatsServer, testDirectory } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectOptions } from '../src/access.js';
import { Bus } from '../src/bus.js';
import { permissions } from '../src/permissions.js';
import { subjects } from '../src/subjects.js';
import { makeKeys } from './keys.js';

const NODES = ['ast1', 'ast2'];
const text = z.object({ text: z.string() });

describe('the accounts of NATS, on a real server', () => {
  /** What the server refused to one of the buses. */
  const complaints: string[] = [];
  const log = createLogger('test', 'error', {
    write: (line) => void (line.includes('NATS_FORBIDDEN') && complaints.push(line)),
  });
  const keyFiles = testDirectory('reinvite-nkeys-');
  const stop = new AbortController();
  const open: { close(): Promise<unknown> }[] = [];
  let server: NatsServer;
  let nkeyFile: string;

  beforeAll(async () => {
    const keys = await makeKeys(keyFiles, NODES);
    nkeyFile = keys.nkeyFile;
    server = await startNats({ config: keys.authorization, files: {} });
  });
  afterAll(async () => {
    stop.abort();
    for (const one of open) await one.close();
    await server.stop();
  });

  async function bus(account: string): Promise<Bus> {
    const options = { servers: [server.url], nkeyFile, account, name: account, log, signal: stop.signal };
    const connected = await Bus.connect(options);
    open.push(connected);
    return connected;
  }

  /** The client itself: it can try what the bus has no method for. */
  async function client(account: string): Promise<NatsConnection> {
    const connection = await connect(await connectOptions({ servers: [server.url], nkeyFile, account }));
    open.push(connection);
    return connection;
  }

  /** Whether the server takes these subjects of an account, told by what it says to the one after which it has seen all. */
  async function refused(
    account: string,
    tried: readonly string[],
    how: 'publish' | 'subscribe',
  ): Promise<string[]> {
    const connection = await client(account);
    const said: string[] = [];
    const reading = (async () => {
      for await (const status of connection.status()) {
        if (status.type === 'error') said.push(status.error.message);
      }
    })();
    for (const subject of tried) {
      if (how === 'publish') connection.publish(subject, '{}');
      else connection.subscribe(subject, { callback: () => undefined });
    }
    // What the server says to them comes before its answer to a ping.
    await connection.flush();
    await connection.close();
    await reading;
    return tried.filter((subject) => said.some((one) => one.includes(`"${subject}"`)));
  }

  it('lets nobody in who has no key', async () => {
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/[Aa]uthorization/);
  });

  it('lets no service start before the streams are there, and says what is missing', async () => {
    const seen: string[] = [];
    const watched = createLogger('test', 'warn', { write: (line) => void seen.push(line) });
    const giveUp = new AbortController();
    const starting = Bus.connect({
      ...{ servers: [server.url], nkeyFile, account: 'recovery', name: 'recovery' },
      ...{ log: watched, signal: giveUp.signal },
    });
    await eventually('the service to say what is missing', async () =>
      seen.some((line) => line.includes('NATS_STREAM_MISSING') && line.includes('reinvite migrate')),
    );
    giveUp.abort(new Error('enough'));
    await expect(starting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('lets migrate create the streams, twice', async () => {
    const options = { servers: [server.url], nkeyFile, account: 'migrate', name: 'migrate', log };
    await Bus.createStreams(options, 20_000);
    await Bus.createStreams(options, 20_000);
  });

  it('lets every account connect once they are there', async () => {
    for (const account of permissions(NODES.map((id) => ({ id }))).keys()) await bus(account);
  });

  it('lets an agent publish what its own node says, and nothing for another', async () => {
    const agent = await bus('node-agent-ast1');
    await expect(
      agent.publishDurable(subjects.callFact('ast1'), { text: 'own' }, 'fact-1'),
    ).resolves.toMatchObject({
      duplicate: false,
    });
    const tried = ['ast1', 'ast2'].flatMap((id) => [
      subjects.heartbeat(id),
      subjects.processGone(id),
      subjects.callFact(id),
      subjects.nodeDown(id),
      subjects.restoreCommand(id),
      subjects.restoreFact(id),
      subjects.fence(id),
    ]);
    expect(await refused('node-agent-ast1', tried, 'publish')).toEqual([
      subjects.nodeDown('ast1'),
      subjects.restoreCommand('ast1'),
      subjects.restoreFact('ast1'),
      subjects.fence('ast1'),
      ...tried.filter((subject) => subject.endsWith('.ast2')),
    ]);
    await expect(
      agent.publishDurable(subjects.callFact('ast2'), { text: 'other' }, 'fact-2'),
    ).rejects.toThrow(/NATS_PUBLISH_FAILED/);
    await eventually('the refusal to be in the log', async () => complaints.length > 0);
    expect(complaints.splice(0).join('')).toContain(subjects.callFact('ast2'));
  });

  it('lets only the sentinel say that a node is down, and recovery pass it on; nobody but recovery commands', async () => {
    const accounts = [...permissions(NODES.map((id) => ({ id }))).keys()];
    const down: string[] = [];
    const commands: string[] = [];
    for (const account of accounts) {
      const tried = [subjects.nodeDown('ast1'), subjects.restoreCommand('ast1')];
      const no = await refused(account, tried, 'publish');
      if (!no.includes(subjects.nodeDown('ast1'))) down.push(account);
      if (!no.includes(subjects.restoreCommand('ast1'))) commands.push(account);
    }
    expect({ down, commands }).toEqual({ down: ['sentinel', 'recovery'], commands: ['recovery'] });
  });

  it('lets the requester ask and be answered, and nothing else', async () => {
    const recovery = await bus('recovery');
    const unsubscribe = recovery.respond(
      subjects.recoveryRequest,
      text,
      async (asked) => ({ text: `${asked.text}!` }),
      () => ({}),
    );
    const requester = await bus('requester');
    await expect(
      requester.request(subjects.recoveryRequest, { text: 'please' }, text, 5_000),
    ).resolves.toEqual({
      text: 'please!',
    });
    const table = permissions(NODES.map((id) => ({ id })));
    const all = [...new Set([...table.values()].flatMap(({ publish }) => publish))].map(withoutWildcards);
    expect(await refused('requester', all, 'publish')).toEqual(
      all.filter((subject) => subject !== subjects.recoveryRequest),
    );
    const heard = [...new Set([...table.values()].flatMap(({ subscribe }) => subscribe)), '>', '_INBOX.>'];
    expect(await refused('requester', heard, 'subscribe')).toEqual(heard);
    unsubscribe();
  });

  it('has nothing said for the requester, by who answers it, where it may not say it itself', async () => {
    const recovery = await bus('recovery');
    const agent = await bus('node-agent-ast1');
    let asked = 0;
    const unsubscribe = recovery.respond(
      subjects.recoveryRequest,
      text,
      async () => ({ asked: (asked += 1) }),
      () => ({}),
    );
    await agent.publishDurable(subjects.callFact('ast1'), { text: 'kept' }, 'kept');
    const before = await recovery.streamState('restoreCommands');
    const facts = await recovery.streamState('callFacts');
    const requester = await client('requester');
    for (const reply of [subjects.restoreCommand('ast1'), '$JS.API.STREAM.PURGE.REINVITE_CALL_FACTS']) {
      requester.publish(subjects.recoveryRequest, '{}', { reply });
      requester.publish(subjects.recoveryRequest, JSON.stringify({ text: 'please' }), { reply });
    }
    // Answered after those before it.
    const answered = await requester.request(subjects.recoveryRequest, JSON.stringify({ text: 'last' }));
    expect(answered.json()).toEqual({ asked: 1 });
    expect(await recovery.streamState('restoreCommands')).toEqual(before);
    const read: number[] = [];
    void recovery.tail({
      ...{ stream: 'callFacts', schema: text, after: async () => facts.lastSeq - 1, maxBatch: 10 },
      handler: async (batch) => void read.push(...batch.map(({ seq }) => seq)),
    });
    await eventually('the fact to be there still', async () => read.includes(facts.lastSeq));
    expect(complaints).toEqual([]);
    unsubscribe();
  });

  it('lets an application keep its state and be answered, and nothing else', async () => {
    const table = permissions(NODES.map((id) => ({ id })));
    const all = [...new Set([...table.values()].flatMap(({ publish }) => publish))].map(withoutWildcards);
    const own: readonly string[] = [subjects.flowPut, subjects.flowGet, subjects.flowEffect];
    expect(await refused('application', all, 'publish')).toEqual(
      all.filter((subject) => !own.includes(subject)),
    );
    const heard = [...new Set([...table.values()].flatMap(({ subscribe }) => subscribe)), '>', '_INBOX.>'];
    expect(await refused('application', heard, 'subscribe')).toEqual(heard);
  });

  it('lets nobody listen at the inbox of another', async () => {
    const accounts = [...permissions(NODES.map((id) => ({ id }))).keys()];
    for (const account of accounts)
      expect(await refused(account, ['_INBOX.>'], 'subscribe')).toEqual(['_INBOX.>']);
  });

  it('lets nobody delete a stream, or what is in it', async () => {
    const tried = ['DELETE', 'PURGE', 'MSG.DELETE'].map(
      (what) => `$JS.API.STREAM.${what}.REINVITE_NODE_EVENTS`,
    );
    for (const account of permissions(NODES.map((id) => ({ id }))).keys())
      expect(await refused(account, tried, 'publish')).toEqual(tried);
  });

  it('lets a stream be shared, acknowledged and read in order by those who need it', async () => {
    const sentinel = await bus('sentinel');
    const recovery = await bus('recovery');
    const worker = await bus('ari-worker');
    await sentinel.publishDurable(subjects.nodeDown('ast1'), { text: 'down' }, 'down-1');
    const consumed: string[] = [];
    const tailed: string[] = [];
    void recovery.consume({
      ...{ stream: 'nodeEvents', durable: 'recovery', schema: text, maxInFlight: 5, ackWaitMs: 1_000 },
      handler: async (message, { attempt }) => void consumed.push(`${message.text} ${attempt}`),
    });
    void recovery.tail({
      ...{ stream: 'nodeEvents', schema: text, after: async () => 0, maxBatch: 10 },
      handler: async (batch) => void tailed.push(...batch.map(({ message }) => message.text)),
    });
    await eventually('the death to be known', async () => consumed.length === 1 && tailed.length === 1);
    await recovery.publishDurable(subjects.restoreCommand('ast2'), { text: 'restore' }, 'restore-1');
    void worker.consume({
      ...{ stream: 'restoreCommands', durable: 'ari-worker', schema: text, maxInFlight: 5, ackWaitMs: 1_000 },
      handler: async (command) => {
        await worker.publishDurable(
          subjects.restoreFact('ast2'),
          { text: `done: ${command.text}` },
          'fact-of-1',
        );
      },
    });
    void recovery.consume({
      ...{ stream: 'restoreFacts', durable: 'recovery', schema: text, maxInFlight: 5, ackWaitMs: 1_000 },
      handler: async (fact) => void consumed.push(fact.text),
    });
    await eventually('the command to be carried out', async () => consumed.includes('done: restore'));
    const manager = await jetstreamManager(await client('ari-worker'));
    await eventually('the acknowledgement to be taken', async () => {
      const { ack_floor: floor, num_ack_pending: open } = await manager.consumers.info(
        'REINVITE_RESTORE_COMMANDS',
        'ari-worker',
      );
      return open === 0 && floor.consumer_seq > 0;
    });
    expect(consumed.filter((one) => one.startsWith('down'))).toEqual(['down 1']);
    expect(complaints).toEqual([]);
  });

  it('tells a wrong key from a file without one', async () => {
    const wrong = connectOptions({ servers: [server.url], nkeyFile: import.meta.filename });
    await expect(wrong).rejects.toSatisfy((error) => isCoded(error, 'CONFIG_INVALID'));
    const none = connectOptions({ servers: [server.url], nkeyFile: '/nowhere/{service}.nk', account: 'x' });
    await expect(none).rejects.toThrow(/CONFIG_UNREADABLE.*\/nowhere\/x\.nk/);
  });
});

function withoutWildcards(subject: string): string {
  return subject.replaceAll('*', 'ast1').replace(/>$/, 'ast1');
}
