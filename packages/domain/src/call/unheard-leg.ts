import { RECOVERED_CONTEXT, type LegPlace, type LegRecord } from './call.js';

/** A replacement channel of ours as its recovery knows it. */
export interface ReplacementLeg {
  readonly channelId: string;
  readonly sipCallId: string;
  readonly endpoint: string;
  readonly place: LegPlace;
  /** `"name" <number>`, or empty. */
  readonly callerId: string;
  readonly accountCode: string;
  readonly language: string;
  /** Epoch ms. */
  readonly originatedAt: number;
  /** Epoch ms; null where the phone had not answered. */
  readonly answeredAt: number | null;
  readonly linkedId?: string | undefined;
}

/**
 * The call record of a replacement channel whose node died before its agent could tell that it was up: we know from the worker
 * that it was.
 */
export function unheardLeg(leg: ReplacementLeg): LegRecord {
  const { channelId, sipCallId, endpoint, place, callerId, accountCode, language } = leg;
  const { originatedAt, answeredAt, linkedId } = leg;
  const [, name = '', number = ''] = /^"(.*)" <(.*)>$/.exec(callerId) ?? [];
  return {
    channelId,
    channelName: '',
    endpoint,
    sipCallId,
    state: answeredAt === null ? 'Ring' : 'Up',
    createdAt: originatedAt,
    caller: { name, number },
    accountCode,
    language,
    dialplan: dialplanOf(place),
    stasisApp: place.kind === 'stasis' ? place.app : null,
    dialedBy: null,
    ...(linkedId === undefined ? {} : { linkedId }),
    at: answeredAt ?? originatedAt,
  };
}

function dialplanOf(place: LegPlace): LegRecord['dialplan'] {
  const nowhere = { context: '', extension: '', priority: 1, appName: '', appData: '' };
  switch (place.kind) {
    case 'stasis':
      return { ...nowhere, appName: 'Stasis', appData: place.app };
    case 'dialplan': {
      const { context, extension, priority } = place;
      return { ...nowhere, context, extension, priority };
    }
    case 'dial-caller':
    case 'dial-callee':
      return { ...nowhere, context: RECOVERED_CONTEXT, extension: place.kind };
    case 'nowhere':
      return nowhere;
  }
}
