import { inboxOf } from './access.js';
import { ANSWER_WITHIN, ANSWERS, type Permissions } from './permissions.js';

const EVERYTHING = '>';

/**
 * The `authorization` block of a nats-server's configuration: for each account its public nkey, and what it may do.
 * @param keys public nkey of each account
 */
export function authorizationBlock(
  table: ReadonlyMap<string, Permissions>,
  keys: (account: string) => string,
): string {
  const users = [...table].flatMap(([account, rights]) => userLines(account, rights, keys(account)));
  return ['authorization {', '  users: [', ...users, '  ]', '}', ''].join('\n');
}

function userLines(account: string, rights: Permissions, key: string): string[] {
  const subscribe = [...rights.subscribe, `${inboxOf(key)}.${EVERYTHING}`];
  return [
    `    # ${account}: ${rights.about}`,
    '    {',
    `      nkey: ${key}`,
    '      permissions: {',
    ...subjectLines('publish', rights.publish),
    ...subjectLines('subscribe', subscribe),
    ...(rights.answers ? [`        allow_responses: { max: ${ANSWERS}, expires: "${ANSWER_WITHIN}" }`] : []),
    '      }',
    '    }',
  ];
}

/** An empty list of what is allowed would allow everything. */
function subjectLines(what: string, subjects: readonly string[]): string[] {
  if (subjects.length === 0) return [`        ${what}: { deny: "${EVERYTHING}" }`];
  const distinct = [...new Set(subjects)];
  return [
    `        ${what}: {`,
    '          allow: [',
    ...distinct.map((subject) => `            "${subject}"`),
    '          ]',
    '        }',
  ];
}
