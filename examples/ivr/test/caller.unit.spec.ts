import { FlowError, type FlowSnapshot, type Json } from '@reinvite/flow-client';
import { eventually } from '@reinvite/test-support';
import { describe, expect, it } from 'vitest';
import { Caller } from '../src/caller.js';

const CHANNEL = { id: 'channel-2', protocol_id: 'call@phone' };

/** `recovered`, call id, version and state, as docs/flow.md describes them. */
function back(version: number, state: object): string[] {
  return [
    'recovered',
    'call@phone',
    String(version),
    Buffer.from(JSON.stringify(state)).toString('base64url'),
  ];
}

/** One caller, with a node that notes what it is asked for, and one state that is kept as docs/flow.md promises. */
class Scene {
  readonly asked: string[] = [];
  readonly charged: string[] = [];
  readonly said: string[] = [];
  private readonly effects = new Map<string, 'begun' | 'done'>();
  readonly caller: Caller;

  /** @param inBridge channels that the conference has already */
  constructor(
    private kept: { version: number; state: Json },
    private readonly inBridge: readonly string[] = [],
  ) {
    this.caller = new Caller({ request: async (...what) => this.request(...what) }, CHANNEL, {
      flow: {
        put: async (_call, state, { expectedVersion } = {}) => this.put(state, expectedVersion),
        get: async (): Promise<FlowSnapshot> => ({ ...this.kept, effects: new Map() }),
        once: async (_call, key, work) => {
          if (this.effects.get(key) === 'begun') return { status: 'unknown' };
          this.effects.set(key, 'done');
          return { status: 'done', result: await work(), repeated: false, stored: true };
        },
      },
      prompt: 'sound:prompt',
      bill: async (_call, conference) => void this.charged.push(conference),
      say: (what) => void this.said.push(what),
    });
  }

  /** How often the conference is closed just before somebody enters. */
  closings = 0;

  /** The charge was begun before, and nobody said what came of it. */
  chargeBegun(): this {
    this.effects.set('billed', 'begun');
    return this;
  }

  state(): Json {
    return this.kept.state;
  }

  private put(state: Json, expected: number | undefined): number {
    const { version } = this.kept;
    if (expected !== undefined && expected !== version)
      throw new FlowError('FLOW_VERSION_CONFLICT', 'another version is there', { version });
    this.kept = { version: version + 1, state };
    return version + 1;
  }

  private request(
    method: string,
    path: string,
    parameters: Record<string, string> = {},
    refused: readonly number[] = [],
  ): unknown {
    this.asked.push([method, path, ...Object.values(parameters)].join(' '));
    if (path.endsWith('/addChannel') && this.closings > 0) {
      this.closings -= 1;
      return refused.includes(404) ? undefined : Promise.reject(new Error('404'));
    }
    return method === 'GET' ? { id: path, channels: this.inBridge } : null;
  }
}

const JOINING = { step: 'joining', digits: '123' };
const ENTERS = [
  'POST /bridges/conference-123 mixing',
  'GET /bridges/conference-123',
  'POST /bridges/conference-123/addChannel channel-2',
];

describe('a caller of the example whose channel came back', () => {
  it('while it was joining enters the conference, and is charged', async () => {
    const scene = new Scene({ version: 4, state: JOINING });
    scene.caller.started(back(4, JOINING));
    await eventually('the conference', () => scene.asked.length === ENTERS.length);
    expect(scene.asked).toEqual(ENTERS);
    expect(scene.charged).toEqual(['123']);
    scene.caller.entered();
    await eventually('the step', () => (scene.state() as { step: string }).step === 'conference');
  });

  it('while it was joining and had entered already does not enter again', async () => {
    const scene = new Scene({ version: 4, state: JOINING }, ['channel-2']);
    scene.caller.started(back(4, JOINING));
    await eventually('the question', () => scene.asked.length === 2);
    scene.caller.entered();
    await eventually('the step', () => (scene.state() as { step: string }).step === 'conference');
    expect(scene.asked).toEqual(ENTERS.slice(0, 2));
  });

  it('while the last one leaves the conference enters it all the same', async () => {
    const scene = new Scene({ version: 4, state: JOINING });
    scene.closings = 2;
    scene.caller.started(back(4, JOINING));
    await eventually('the conference', () => scene.asked.length === 3 * ENTERS.length);
    scene.caller.entered();
    await eventually('the step', () => (scene.state() as { step: string }).step === 'conference');
    expect(scene.asked).toEqual([...ENTERS, ...ENTERS, ...ENTERS]);
  });

  it('in the middle of being charged is not charged again, and somebody is told', async () => {
    const scene = new Scene({ version: 4, state: JOINING }).chargeBegun();
    scene.caller.started(back(4, JOINING));
    await eventually('the conference', () => scene.asked.length === ENTERS.length);
    expect(scene.charged).toEqual([]);
    expect(scene.said).toContain('billing unknown');
  });

  it('in a conference is left to Reinvite', async () => {
    const state = { step: 'conference', digits: '123' };
    const scene = new Scene({ version: 5, state }, ['channel-2']);
    scene.caller.started(back(5, state));
    scene.caller.entered();
    await eventually('it to be noticed', () => scene.said.includes('entered'));
    expect(scene.asked).toEqual([]);
  });

  it('with less than was put in the end goes on from what was put', async () => {
    const scene = new Scene({ version: 3, state: { step: 'collect', digits: '12' } });
    scene.caller.started(back(2, { step: 'collect', digits: '1' }));
    scene.caller.pressed('3');
    await eventually('the conference', () => scene.asked.length === ENTERS.length);
    expect(scene.state()).toEqual(JOINING);
    expect(scene.asked).toEqual(ENTERS);
  });

  it('before anything was put begins, without being answered again', async () => {
    const scene = new Scene({ version: 0, state: null });
    scene.caller.started(['recovered', 'call@phone']);
    await eventually('the prompt', () => scene.asked.length > 0);
    expect(scene.asked).toEqual(['POST /channels/channel-2/play/prompt-channel-2 sound:prompt']);
    expect(scene.state()).toEqual({ step: 'prompt', digits: '' });
  });
});
