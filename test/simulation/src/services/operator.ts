import type { ControlCommand } from '@reinvite/domain';
import { retryForever } from '@reinvite/runtime';
import { simulatedControl } from '../store/control.js';
import type { Postgres } from '../store/server.js';
import { Process } from '../world/process.js';
import type { World } from '../world/world.js';
import type { Wrong } from '../wrong.js';

type Said = 'Stop' | 'Resume';

/** An operator who stops recovery and lets it go on; what was said last is so in the end, however often it takes. */
export class Operator {
  private readonly process: Process;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    world: World,
    private readonly postgres: Postgres,
    private readonly wrong: Wrong,
  ) {
    this.process = new Process(world, 'operator', 'operator');
  }

  say(type: Said): void {
    const { process, postgres, wrong } = this;
    const { log, signal } = process;
    const control = simulatedControl(process, postgres, wrong);
    const tell = (): Promise<unknown> => {
      const command: ControlCommand = { type, requestedBy: 'operator', reason: 'test', at: Date.now() };
      return control.tell(command);
    };
    this.last = this.last.then(() => retryForever(tell, { what: type, log, signal }));
  }
}
