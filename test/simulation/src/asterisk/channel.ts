import type { AriChannel } from '@reinvite/ari';
import type { Phone } from './phone.js';

/** A channel of a simulated Asterisk. */
export interface SimulatedChannel {
  readonly id: string;
  readonly phone: Phone;
  readonly createdAt: number;
  state: 'Down' | 'Ring' | 'Up';
  app: string;
  appName: string;
  context: string;
  /** A CANCEL has left, or a hang-up: what the phone answers now takes nothing on. */
  cancelled: boolean;
  /** Where it goes once it is up. */
  readonly goesTo: string;
}

/** As ARI shows it. */
export function asChannel({
  id,
  phone,
  state,
  createdAt,
  app,
  appName,
  context,
}: SimulatedChannel): AriChannel {
  const number = createdAt % 0xffffffff;
  return {
    id,
    name: `PJSIP/edge-${number.toString(16).padStart(8, '0').slice(-8)}`,
    state,
    protocolId: phone.sipCallId,
    caller: { name: '', number: phone.name },
    connected: { name: '', number: '' },
    accountCode: '',
    language: 'en',
    createdAt,
    dialplan: { context, extension: 's', priority: 1, appName, appData: app },
    variables: {},
  };
}
