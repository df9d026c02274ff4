import { describe, expect, it } from 'vitest';
import type { RecoveryStatus } from '@reinvite/domain';
import { EXIT, runCommandLine } from '../src/index.js';
import { describe as inLines } from '../src/commands/status.js';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const recovery: RecoveryStatus = {
  control: { stopped: null, massFailure: null },
  nodes: [
    { nodeId: 'ast1', incarnation: '1', asterisk: 'up', heardAgoMs: 120, liveChannels: 7, excluded: null },
    {
      nodeId: 'ast2',
      incarnation: '2',
      asterisk: 'up',
      heardAgoMs: 80,
      liveChannels: 0,
      excluded: 'flapping',
    },
  ],
  held: [],
  deaths: [],
};
const sentinels = [
  {
    type: 'SentinelStatus' as const,
    sentinelId: 'sentinel-1',
    alone: true,
    nodes: [{ nodeId: 'ast1', incarnation: '1', standing: 'trusted' }],
  },
];

describe('reinvite status', () => {
  it('says for a person how the cluster stands', () => {
    const lines = inLines({ recovery, sentinels, sentinelsWanted: 1 }, NOW);
    expect(lines).toEqual([
      'recovery is on',
      '',
      '1 of 1 sentinels answer; it decides ALONE',
      '  sentinel-1: ast1 trusted',
      '',
      'nodes:',
      '  ast1: up, 7 channels, heard 120 ms ago',
      '  ast2: up, 0 channels, heard 80 ms ago; gets no recovered calls: flapping',
      '',
      'no call waits for an operator',
      '',
      'no node has died yet',
    ]);
  });

  it('says what holds recovery back, which calls wait, and what the last deaths came to', () => {
    const held: RecoveryStatus = {
      ...recovery,
      control: {
        stopped: { requestedBy: 'alice', reason: 'upgrade', at: NOW - 60_000 },
        massFailure: { incidentId: 'i', at: NOW - 5_000, dead: ['ast1', 'ast2'], nodes: 3 },
      },
      held: [
        {
          callId: 'a@b',
          recoveryId: 'r',
          nodeId: 'ast2',
          reason: 'mass-failure',
          since: NOW,
          until: NOW + 55_000,
        },
      ],
      deaths: [
        {
          nodeId: 'ast2',
          incarnation: '2',
          downAt: NOW,
          evidence: 'fenced',
          calls: 5,
          recovered: 1,
          partlyRecovered: 1,
          failed: 1,
          skipped: 1,
          underWay: 1,
        },
      ],
    };
    const text = inLines({ recovery: held, sentinels: [], sentinelsWanted: 3 }, NOW).join('\n');
    expect(text).toContain('recovery is STOPPED since 2026-01-02T03:03:05.000Z by alice: upgrade');
    expect(text).toContain(
      'MASS FAILURE 5 s ago: ast1, ast2 of 3 nodes; recovery waits for `reinvite resume`',
    );
    expect(text).toContain('0 of 3 sentinels answer');
    expect(text).toContain('  a@b of ast2: mass-failure; given up in 55 s');
    expect(text).toContain(
      'ast2 at 2026-01-02T03:04:05.000Z (fenced): 5 calls, 1 recovered, 1 partly, 1 failed, 1 skipped, 1 under way',
    );
  });
});

describe('what an operator says', () => {
  it.each([
    ['stop', []],
    ['resume', []],
    ['release', ['call']],
    ['declare-down', ['ast1']],
  ])('%s needs a reason, for the audit', async (name, names) => {
    const lines: string[] = [];
    const output = { out: () => undefined, err: (line: string) => void lines.push(line) };
    expect(await runCommandLine([name, ...names, '--config', 'no-file'], output)).toBe(EXIT.usage);
    expect(lines.join()).toContain("required option '--reason <text>'");
    const empty = await runCommandLine(
      [name, ...names, '--config', 'no-file', '--reason', '', '--by', ''],
      output,
    );
    expect(empty).toBe(EXIT.usage);
  });
});
