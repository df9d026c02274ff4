import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoveriesOf, RingingCall, Scene, timelineOf } from '../src/index.js';

describe('a node dies while a phone rings', () => {
  let scene: Scene;
  let problems: string[];
  let callId: string;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    const call = await RingingCall.dial(scene.lab, 'ast1');
    await eventually('both dialogs to be on record', async () => {
      const { rows } = await scene.db.query<{ call_id: string }>(
        `select d.call_id from dialogs d join legs l on l.sip_call_id = d.call_id
         where d.state = 'early' and d.local_tag <> '' and d.remote_tag <> '' and l.state like 'Ring%' order by d.role desc`,
      );
      callId = rows[0]?.call_id ?? '';
      return rows.length === 2;
    });
    await scene.crash('ast1');
    problems = await call.problems();
  });
  afterAll(() => scene.close());

  it('and the caller gets a final answer, the other phone stops ringing, and neither a re-INVITE', () => {
    expect(problems).toEqual([]);
  });

  it('and the audit says why the call was not recovered, and that it was ended', async () => {
    const [row] = await recoveriesOf(scene.db, 'ast1');
    expect(row).toMatchObject({ callId, outcome: 'skipped', reason: 'dialog-early', legsRecovered: 0 });
    const steps = await eventually('the end of the early dialogs', async () => {
      const events = await timelineOf(scene.db, callId);
      return events.includes('EarlyDialogsEnded') && events;
    });
    expect(steps.indexOf('RecoveryPlanned')).toBeLessThan(steps.indexOf('EarlyDialogsEnded'));
  });
});
