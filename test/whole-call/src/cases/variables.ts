import type { CasePlay } from '../play/case-play.js';
import type { Case } from './case.js';

/**
 * Variables that Reinvite is told to bring back. By the last two an application says what Asterisk tells nobody: that a channel is
 * muted, and its role in a holding bridge.
 */
export const CHOSEN_VARIABLES = [
  'WHOLE_CALL_COLOUR',
  'WHOLE_CALL_CUSTOMER',
  'REINVITE_MUTED',
  'REINVITE_ROLE',
] as const;

/** What the application sets, and what has to be so on every channel that the phone has later. */
const SET: Readonly<Record<string, string>> = {
  WHOLE_CALL_COLOUR: 'blue',
  __WHOLE_CALL_CUSTOMER: '4711',
  'CHANNEL(language)': 'de',
  'CHANNEL(accountcode)': 'whole-call',
  'CALLERID(name)': 'Alice Anders',
  'CALLERID(num)': '4711',
};

/** What belongs to a channel and is not heard. */
export const VARIABLES: readonly Case[] = [
  {
    id: 'variables',
    title: 'variables chosen by the configuration, caller id, language, account code',
    begin: async (play) => {
      await play.dialApplication('alice');
      for (const [variable, value] of Object.entries(SET)) await play.setVariable('alice', variable, value);
    },
    hears: { alice: [] },
    look: changed,
  },
];

async function changed(play: CasePlay): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(SET)) {
    const variable = name.replace(/^_+/, '');
    const found = await play
      .ask('alice', 'GET', (id) => `/channels/${id}/variable`, { variable })
      .then((answer) => (answer as { value: string }).value)
      .catch(() => null);
    if (found !== value) faults.push(`${variable} is ${found ?? 'not set'}, and was ${value}`);
  }
  return faults;
}
