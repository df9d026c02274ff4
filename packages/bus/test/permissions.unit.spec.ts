import { describe, expect, it } from 'vitest';
import { inboxOf } from '../src/access.js';
import { permissions, streamsOf } from '../src/permissions.js';
import { authorizationBlock } from '../src/server-config.js';
import { streams, subjects } from '../src/subjects.js';

const NODES = [{ id: 'ast1' }, { id: 'ast2' }];

const HEAD = `# Who may say and hear what on NATS: the accounts of a cluster of two nodes, ast1 and ast2, to be reviewed.
# \`reinvite nats-config\` prints this for a configuration, with the public keys in place of PUBLIC_KEY_OF_…; the table that it
# is made from is packages/bus/src/permissions.ts, and a test keeps the two alike.
`;

const keyOf = (account: string): string => `PUBLIC_KEY_OF_${account.toUpperCase().replaceAll('-', '_')}`;

/** Whether a subject is within what a list allows, by NATS' rules. */
function isAllowed(allowed: readonly string[], subject: string): boolean {
  const tokens = subject.split('.');
  return allowed.some((pattern) => {
    const wanted = pattern.split('.');
    const rest = wanted.indexOf('>');
    if (rest === -1 ? wanted.length !== tokens.length : tokens.length <= rest) return false;
    return wanted.every((one, index) => one === '>' || one === '*' || one === tokens[index]);
  });
}

describe('the permissions on NATS', () => {
  const table = permissions(NODES);

  it('are those of the file that is reviewed (vitest -u writes it anew)', async () => {
    const block = authorizationBlock(table, keyOf);
    await expect(`${HEAD}${block}`).toMatchFileSnapshot('../../../deploy/nats/permissions.conf');
  });

  it('let somebody send on every subject, and somebody hear it: one that is missing here would work nowhere', () => {
    const stored = Object.values(streams).flatMap((stream) => [...stream.subjects]);
    for (const named of Object.values(subjects)) {
      const subject = typeof named === 'string' ? named : named('ast1' as never);
      const senders = [...table].filter(([, rights]) => isAllowed(rights.publish, subject));
      const hearers = [...table].filter(([, rights]) => isAllowed(rights.subscribe, subject));
      expect(senders, `${subject} is sent by`).not.toEqual([]);
      if (!stored.some((pattern) => isAllowed([pattern], subject)))
        expect(hearers, `${subject} is heard by`).not.toEqual([]);
    }
  });

  it('keep what is stored to JetStream: nobody subscribes to it beside the streams', () => {
    const stored = Object.values(streams).flatMap((stream) => [...stream.subjects]);
    for (const [account, { subscribe }] of table)
      expect(
        stored.filter((subject) => subscribe.includes(subject)),
        account,
      ).toEqual([]);
  });

  it('let an agent of one node do nothing in the name of another', () => {
    const own = table.get('node-agent-ast1');
    const named = [...(own?.publish ?? []), ...(own?.subscribe ?? [])].filter((one) =>
      one.startsWith('reinvite.'),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((subject) => !subject.endsWith('.ast1'))).toEqual([]);
  });

  it('give nobody a subject of all, the system, or the answers to others', () => {
    for (const [account, { publish, subscribe }] of table) {
      const wide = [...publish, ...subscribe].filter((one) =>
        /^[>*]|^\$SYS|^_INBOX|^reinvite\.>$|^\$JS\.>/.test(one),
      );
      expect(wide, account).toEqual([]);
    }
    const block = authorizationBlock(table, keyOf);
    for (const account of table.keys()) expect(block).toContain(`"${inboxOf(keyOf(account))}.>"`);
    expect(block).not.toMatch(/allow: \[\s*\]/);
  });

  it('say which streams an account waits for, an agent of any node included', () => {
    expect(streamsOf('node-agent-any_node')).toEqual(['callFacts']);
    expect(streamsOf('sentinel')).toEqual(['nodeEvents']);
    expect(streamsOf('requester')).toEqual([]);
    expect(streamsOf('')).toEqual([]);
  });
});
