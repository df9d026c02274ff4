import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startLab, type Lab } from '../src/index.js';
import { eventually } from './machine.js';
import { Stranger } from './stranger.js';

const rpcAnswer = z.object({
  result: z.object({ item: z.object({ value: z.string() }) }).optional(),
});

const nodeList = z.object({
  result: z.object({
    RECORDS: z.array(
      z.object({
        SET: z.object({
          TARGETS: z.array(z.object({ DEST: z.object({ URI: z.string(), FLAGS: z.string() }) })),
        }),
      }),
    ),
  }),
});

describe('the edge', () => {
  let lab: Lab;
  let edge: string;
  let stranger: Stranger;
  let victim: Stranger;
  const call = { callId: 'victim@lab', fromTag: 'victim' };

  beforeAll(async () => {
    lab = await startLab({ nodes: 2, reinvite: false });
    edge = lab.info.hosts.edge?.address ?? '';
    const machine = lab.info.subnet.replace(/0\/24$/, '1');
    [stranger, victim] = await Promise.all([Stranger.at(machine, edge), Stranger.at(machine, edge)]);
  });
  afterAll(async () => {
    stranger.close();
    victim.close();
    await lab.down();
  });

  /** Which node the edge takes for the holder of the dialog; undefined for none. */
  async function holderOf(callId: string): Promise<string | undefined> {
    const response = await fetch(lab.info.edgeRpc ?? '', {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'htable.get', params: ['node', callId] }),
    });
    return rpcAnswer.parse(await response.json()).result?.item.value;
  }

  async function onPhones(script: string, ...args: string[]): Promise<string> {
    const { stdout } = await lab.exec('phones', [process.execPath, '-e', script, ...args], {
      files: 'machine',
    });
    return stdout.trim();
  }

  it.each([
    ['TCP', 'address', 5060],
    ['TCP', 'address6', 5060],
    ['TLS', 'address', 5061],
    ['TLS', 'address6', 5061],
  ] as const)('answers phones over %s, at its %s', async (transport, family, port) => {
    const script = `
      const [host, port, transport, ca] = process.argv.slice(1);
      const { connect } = transport === 'TLS' ? require('tls') : require('net');
      const socket = connect({ host, port: Number(port), ...(ca ? { ca } : {}) });
      socket.write(['OPTIONS sip:' + (host.includes(':') ? '[' + host + ']' : host) + ':' + port + ' SIP/2.0',
        'Via: SIP/2.0/' + transport + ' phone.invalid;branch=z9hG4bK1', 'From: <sip:a@b>;tag=1', 'To: <sip:c@d>',
        'Call-ID: 1@phones', 'CSeq: 1 OPTIONS', 'Max-Forwards: 70', 'Content-Length: 0', '', ''].join('\\r\\n'));
      socket.once('data', (text) => { console.log(String(text).split('\\r\\n')[0]); socket.destroy(); });`;
    const ca = transport === 'TLS' ? [readFileSync(path.join(lab.info.shared, 'tls/ca.pem'), 'utf8')] : [];
    const host = lab.info.hosts.edge?.[family] ?? '';
    expect(await onPhones(script, host, String(port), transport, ...ca)).toBe('SIP/2.0 200 OK');
  });

  it('is a valid configuration without what is the lab’s, too', async () => {
    const { stderr } = await lab.exec('edge', ['kamailio', '-c', '-f', '/etc/kamailio/kamailio.cfg']);
    expect(stderr).toContain('config file ok');
  });

  it('answers RPC to the core and to no phone', async () => {
    // Not fetch: it refuses SIP's port.
    const script = `require('http').request(process.argv[1], { method: 'POST', agent: false }, (answer) => {
        console.log(answer.statusCode);
        answer.destroy();
      }).end('{"jsonrpc":"2.0","id":1,"method":"core.uptime"}');`;
    expect(await onPhones(script, lab.info.edgeRpc ?? '')).toBe('403');
    expect(await onPhones(script, `http://${edge}:5060/rpc`)).toBe('403');
    const core = await lab.exec('core', [process.execPath, '-e', script, lab.info.edgeRpc ?? ''], {
      files: 'machine',
    });
    expect(core.stdout.trim()).toBe('200');
  });

  it('lets nobody register without a password', async () => {
    const register = { method: 'REGISTER', uri: `sip:${edge}`, callId: 'reg@lab', fromTag: 'r' };
    expect((await stranger.ask({ ...register, cseq: 1 })).status).toBe(401);
    const forged = `Authorization: Digest username="alice", realm="${edge}", nonce="x", uri="sip:${edge}", response="0"`;
    expect((await stranger.ask({ ...register, cseq: 2, headers: [forged] })).status).toBe(401);
  });

  it('relays nothing inside a dialog that is not one of its nodes’', async () => {
    const { status } = await stranger.ask({
      ...{ method: 'INFO', uri: victim.uri, callId: 'nobody@lab', cseq: 2, fromTag: 'a', toTag: 'b' },
      headers: [`Route: <sip:${edge};lr>`],
    });
    expect(status).toBe(481);
    expect(victim.arrived()).toEqual([]);
  });

  it('moves no dialog for an INVITE of the same Call-ID, and ends none for a BYE with other tags', async () => {
    const { status, toTag } = await victim.ask({
      ...{ ...call, method: 'INVITE', uri: `sip:echo@${edge}`, cseq: 1, sdp: true },
      headers: ['X-Lab-Node: ast1'],
    });
    expect(status).toBe(200);
    const inDialog = { ...call, uri: `sip:${edge}:5060`, toTag, headers: [`Route: <sip:${edge};lr>`] };
    victim.send({ ...inDialog, method: 'ACK', cseq: 1 });
    const holder = await holderOf(call.callId);
    expect(holder).toContain(lab.info.hosts.ast1?.address);

    const forged = await stranger.ask({
      ...{
        method: 'INVITE',
        uri: `sip:echo@${edge}`,
        callId: call.callId,
        cseq: 1,
        fromTag: 'forged',
        sdp: true,
      },
      headers: ['X-Lab-Node: ast2'],
    });
    expect(forged.status).toBe(403);
    expect(await holderOf(call.callId)).toBe(holder);
    const bye = { ...inDialog, method: 'BYE', cseq: 2 };
    expect((await stranger.ask({ ...bye, fromTag: 'forged', toTag: 'forged' })).status).toBe(481);
    expect(await holderOf(call.callId)).toBe(holder);

    expect((await victim.ask(bye)).status).toBe(200);
    await eventually('the dialog to be forgotten', async () => (await holderOf(call.callId)) === undefined);
  });

  it('says of a host that is cut off that it does not answer, long before a call could wait for it, and again that it does', async () => {
    const host = lab.info.hosts.ast2?.address ?? '';
    const flags = async (): Promise<string | undefined> => {
      const response = await fetch(lab.info.edgeRpc ?? '', {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'dispatcher.list' }),
      });
      const { result } = nodeList.parse(await response.json());
      const targets = result.RECORDS.flatMap(({ SET }) => SET.TARGETS.map(({ DEST }) => DEST));
      return targets.find(({ URI }) => URI === `sip:${host}:5060`)?.FLAGS;
    };
    await eventually('the edge to have heard it', async () => (await flags()) === 'AP');
    await lab.cut('ast2');
    // A ping that waits for its answer as long as a transaction may would need half a minute.
    await eventually('the edge to miss it', async () => (await flags()) === 'IP', 15_000);
    await lab.heal('ast2');
    await eventually('the edge to hear it', async () => (await flags()) === 'AP');
  });
});
