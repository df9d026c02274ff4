import { noHistory, type NodeEvent } from '@reinvite/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observe, startWatch } from '../src/detector/detector.js';
import { canHear, hearEcho, startHearing } from '../src/detector/hearing.js';
import { echo, noDoubt, patience, tick } from '../src/detector/self-doubt.js';
import type { Observation } from '../src/detector/types.js';

const settings = {
  suspectAfterMs: 1_000,
  suspectWithinMs: 1_500,
  suspicionLevel: 8,
  hangAfterMs: 1_000,
  fenceAfterMs: 500,
};
const STEP = 20;
const BEAT = 200;
const TICK = 100;
const ECHO_LIMIT = settings.suspectAfterMs / 3;
const LASTS = 60_000;

interface Outage {
  readonly at: number;
  readonly ms: number;
}

interface Trouble {
  /** The sentinel's process stands still; what arrives meanwhile it reads afterwards. */
  readonly stalls: readonly Outage[];
  /** NATS is away for everybody; the agent finds it again later than the sentinel does, by a share of the outage. */
  readonly natsStops: readonly (Outage & { readonly agentLater: number })[];
  /** The wall clock jumps to another time. */
  readonly clockSteps: readonly { readonly at: number; readonly to: number }[];
  /** Of each ten heartbeats this one is lost, or none. */
  readonly lostOfTen: number | null;
  /** Each heartbeat's own delay on its way. */
  readonly delays: readonly number[];
  /** From then on the node is gone. */
  readonly diesAt: number | null;
}

const during = (outages: readonly Outage[], now: number, more: (one: Outage) => number = () => 0): boolean =>
  outages.some((one) => now >= one.at && now < one.at + one.ms + more(one));

/** The sentinel's detector, hearing and self-doubt, wired as the service wires them, on a clock of our own. */
function play(trouble: Trouble): NodeEvent[] {
  const events: NodeEvent[] = [];
  let watch = startWatch('ast1', noHistory, { mono: 0, at: 0 }, settings);
  let hearing = startHearing(ECHO_LIMIT);
  let doubt = noDoubt;
  let inbox: { readonly arrives: number; readonly handle: (now: number) => void }[] = [];
  const wall = (now: number): number => trouble.clockSteps.findLast(({ at }) => at <= now)?.to ?? now;
  const tell = (now: number, observation: Observation): void => {
    const verdict = observe(watch, observation, { mono: now, at: wall(now) }, settings);
    watch = verdict.watch;
    events.push(...verdict.events);
  };
  const beat = (now: number): void =>
    tell(now, {
      kind: 'heartbeat',
      heartbeat: {
        ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation: 'A', at: wall(now), intervalMs: BEAT },
        ...{ asterisk: 'up', liveChannels: 0, recoveryModule: true },
      },
    });
  const onEcho = (sentAt: number) => (now: number) => {
    doubt = echo(doubt, now - sentAt, TICK);
    const heard = hearEcho(hearing, now);
    hearing = heard.hearing;
    if (heard.restored) tell(now, { kind: 'hearing-restored', graceMs: heard.graceMs });
  };
  let tickDue = 0;
  for (let now = 0; now <= LASTS; now += STEP) {
    const number = now / BEAT;
    const sends = Number.isInteger(number) && (trouble.diesAt === null || now < trouble.diesAt);
    const agentCut = trouble.natsStops.some((one) => during([one], now, () => one.ms * one.agentLater));
    if (sends && !agentCut && number % 10 !== trouble.lostOfTen) {
      const arrives = now + (trouble.delays[number % trouble.delays.length] ?? 0);
      inbox.push({ arrives, handle: beat });
    }
    if (during(trouble.stalls, now)) continue;
    // As Node does after a pause: the timers that are due first, then what the sockets hold.
    if (now >= tickDue) {
      doubt = tick(doubt, now, TICK);
      if (canHear(hearing, now)) tell(now, { kind: 'tick', patience: patience(doubt) });
      if (!during(trouble.natsStops, now)) inbox.push({ arrives: now + 1, handle: onEcho(now) });
      tickDue = now + TICK;
    }
    const due = inbox.filter(({ arrives }) => arrives <= now);
    inbox = inbox.filter(({ arrives }) => arrives > now);
    for (const { handle } of due) handle(now);
  }
  return events;
}

const moment = fc.integer({ min: 5_000, max: LASTS - 15_000 });
const outage = fc.record({ at: moment, ms: fc.integer({ min: 100, max: 5_000 }) });
const trouble = fc.record({
  stalls: fc.array(outage, { maxLength: 2 }),
  natsStops: fc.array(
    fc.record({
      at: moment,
      ms: fc.integer({ min: 100, max: 5_000 }),
      agentLater: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 2 },
  ),
  clockSteps: fc.array(fc.record({ at: moment, to: fc.integer({ min: 0, max: 4_000_000_000_000 }) }), {
    maxLength: 3,
  }),
  lostOfTen: fc.option(fc.integer({ min: 0, max: 9 })),
  delays: fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 40 }),
  diesAt: fc.constant(null),
});

describe('a node that is alive', () => {
  it('is not even suspected when the sentinel or NATS stands still for up to 5 s, the clock steps, one heartbeat in ten is lost, or all of it', () => {
    fc.assert(
      fc.property(trouble, (one) => {
        expect(play(one).map(({ type }) => type)).toEqual(['NodeSeen']);
      }),
    );
  });
});

describe('a node that is gone', () => {
  it('is suspected within 1.6 s of its last heartbeat by a sentinel that is sound, whatever jitter there was', () => {
    fc.assert(
      fc.property(trouble, fc.integer({ min: 20_000, max: 40_000 }), (one, diesAt) => {
        const sound = { ...one, stalls: [], natsStops: [], diesAt };
        const story = play({ ...sound, clockSteps: [] });
        expect(story.map(({ type }) => type)).toEqual(['NodeSeen', 'NodeSuspected']);
        // The last heartbeat was sent up to an interval before it died, or two where that one was lost, and 120 ms under way.
        expect((story[1]?.at ?? 0) - diesAt).toBeLessThanOrEqual(settings.suspectWithinMs + TICK + 120);
      }),
    );
  });

  it('is suspected in the end, however the sentinel was disturbed before', () => {
    fc.assert(
      fc.property(trouble, (one) => {
        const story = play({ ...one, diesAt: LASTS - 20_000 });
        expect(story.map(({ type }) => type)).toContain('NodeSuspected');
      }),
    );
  });
});
