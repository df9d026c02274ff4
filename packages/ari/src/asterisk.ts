import { isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { asteriskInfo, type AsteriskInfo } from './model.js';
import { nothing, type Caller } from './request.js';

const module_ = z.object({ status: z.string() });

/** ARI's `/asterisk` and `/applications`. Every method rejects with a coded error; see {@link AriConnection}. */
export class AriAsterisk {
  constructor(private readonly call: Caller) {}

  info(): Promise<AsteriskInfo> {
    return this.call('asterisk', 'getInfo', {}, asteriskInfo);
  }

  /** Resolves when Asterisk answers within `timeoutMs`; `ARI_UNREACHABLE` otherwise. */
  ping(timeoutMs: number): Promise<void> {
    return this.call('asterisk', 'ping', {}, nothing, timeoutMs);
  }

  /** Whether a module such as `res_pjsip_recovery.so` is loaded and running. */
  async moduleLoaded(name: string): Promise<boolean> {
    try {
      return (await this.call('asterisk', 'getModule', { moduleName: name }, module_)).status === 'Running';
    } catch (error) {
      if (isCoded(error, 'ARI_NOT_FOUND')) return false;
      throw error;
    }
  }

  /** Subscribes an application to `channel:<id>`, `bridge:<id>`, `endpoint:<tech>/<name>`, `deviceState:<name>`. */
  subscribe(app: string, eventSource: string): Promise<void> {
    return this.call('applications', 'subscribe', { applicationName: app, eventSource }, nothing);
  }

  /** Events of these types are no longer sent to the application, until it ends. */
  refuseEvents(app: string, types: readonly string[]): Promise<void> {
    const filter = { disallowed: types.map((type) => ({ type })) };
    return this.call('applications', 'filter', { applicationName: app, filter }, nothing);
  }
}
