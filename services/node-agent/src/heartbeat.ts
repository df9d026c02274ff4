import { setTimeout as delay } from 'node:timers/promises';
import type { AriConnection } from '@reinvite/ari';
import type { Heartbeat } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import type { AsteriskProcess } from './process/asterisk-process.js';
import type { Lives } from './process/lives.js';
import type { Witnesses } from './witness/witnesses.js';

/** Asterisk counts as unresponsive when it leaves a question open for so many probe intervals. */
const PROBE_PATIENCE = 4;
/** An answer may come so late, ms, and is a sign of life all the same. */
const LATEST_ANSWER_MS = 60_000;
/** Shorter than a sentinel waits for the answer of an agent that it asks to fence. */
const WELL_MS = 500;
/** Without the second one, pairs that `Dial` had joined could not come back here. */
const MODULES = ['res_pjsip_recovery.so', 'app_recovery_bridge.so'];
/** A module is loaded or unloaded by an operator, once in a long while. */
const MODULE_EVERY_MS = 5_000;

export interface HealthOptions {
  readonly nodeId: string;
  readonly intervalMs: number;
  readonly probeMs: number;
  readonly ari: Pick<AriConnection, 'on' | 'info' | 'asterisk'>;
  readonly lives: Lives;
  readonly process: AsteriskProcess;
  readonly witnesses: Witnesses;
  readonly log: Logger;
}

/** What this agent knows of its Asterisk's health. */
export class Health {
  private answers = false;
  private asking = false;
  private askingForModule = false;
  private recoveryModule = false;
  private moduleAskedAt = -MODULE_EVERY_MS;

  constructor(private readonly options: HealthOptions) {
    options.ari.on('up', () => {
      options.witnesses.ariAnswered();
      this.answers = true;
      this.moduleAskedAt = -MODULE_EVERY_MS;
    });
    options.ari.on('down', () => {
      this.answers = false;
      this.recoveryModule = false;
    });
  }

  /** Asks Asterisk whether it still answers; one question at a time. */
  async probe(): Promise<void> {
    const { ari, probeMs, log, witnesses } = this.options;
    if (this.asking) return;
    // A connection that does not come about is a question too.
    witnesses.askAri();
    if (ari.info === undefined) return;
    this.asking = true;
    try {
      await this.answerWithin(probeMs * PROBE_PATIENCE);
      this.answers = true;
      void this.askForModule();
    } catch (err) {
      if (this.answers && ari.info !== undefined) log.warn({ err }, 'Asterisk does not answer');
      this.answers = false;
    } finally {
      this.asking = false;
    }
  }

  /** Rejects where there is no answer by then; one that comes later is heard even so. */
  private async answerWithin(ms: number): Promise<void> {
    const { ari, witnesses } = this.options;
    const answered = ari.asterisk.ping(Math.max(ms, LATEST_ANSWER_MS)).then(() => witnesses.ariAnswered());
    const inTime = new AbortController();
    const late = delay(ms, undefined, { signal: inTime.signal }).then(
      () => Promise.reject(new Error(`no answer within ${ms} ms`)),
      () => undefined,
    );
    try {
      await Promise.race([answered, late]);
    } finally {
      inTime.abort();
      // Its rejection is of no more interest: the silence has been noticed.
      answered.catch(() => undefined);
    }
  }

  /** Whether Asterisk gives a sign of life right now, to any of the witnesses. */
  async isWell(): Promise<boolean> {
    const { ari, lives, witnesses } = this.options;
    if (lives.isCurrentOver) return false;
    const byAri = this.answers ? ari.asterisk.ping(WELL_MS) : Promise.reject(new Error('not connected'));
    const byOthers = witnesses.anySign(WELL_MS).then((seen) => {
      if (!seen) throw new Error('no sign of life');
    });
    return Promise.any([byAri, byOthers]).then(
      () => true,
      () => false,
    );
  }

  heartbeat(at: number): Heartbeat {
    const { nodeId, intervalMs, lives } = this.options;
    const asterisk = this.status();
    const life = asterisk === 'starting' ? undefined : lives.current;
    return {
      type: 'Heartbeat',
      nodeId,
      incarnation: life?.info.incarnation ?? null,
      at,
      intervalMs,
      asterisk,
      liveChannels: life === undefined || lives.isCurrentOver ? 0 : life.picture.liveLegs,
      recoveryModule: asterisk === 'up' && this.recoveryModule,
      ...(asterisk === 'down' ? {} : { silences: this.options.witnesses.silences() }),
    };
  }

  private status(): Heartbeat['asterisk'] {
    const { ari, lives, process } = this.options;
    const over = lives.isCurrentOver;
    if (ari.info !== undefined && !over) return this.answers ? 'up' : 'unresponsive';
    const metAndLives = lives.current !== undefined && !over;
    switch (process.sighted()) {
      case 'alive':
        return metAndLives ? 'unresponsive' : 'starting';
      case 'dead':
        return 'down';
      case 'unknown':
        return metAndLives ? 'unresponsive' : 'starting';
    }
  }

  /** Beside the probes: Asterisk may take its time over modules, and a hang would be seen as much later. */
  private async askForModule(): Promise<void> {
    const now = performance.now();
    if (this.askingForModule || now - this.moduleAskedAt < MODULE_EVERY_MS) return;
    this.askingForModule = true;
    this.moduleAskedAt = now;
    const { ari, log } = this.options;
    const { info } = ari;
    try {
      const loaded = await Promise.all(MODULES.map((name) => ari.asterisk.moduleLoaded(name)));
      // Of a life that is over by now it says nothing.
      if (ari.info === info) this.recoveryModule = loaded.every(Boolean);
    } catch (err) {
      log.warn({ err }, 'not known whether the modules are loaded');
    } finally {
      this.askingForModule = false;
    }
  }
}
