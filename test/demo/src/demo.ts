import { preflight } from '@reinvite/lab';
import { EXIT, writeJson } from '@reinvite/test-command-line';
import { DefaultRenderer, Listr, SimpleRenderer, type ListrTask } from 'listr2';
import type { DemoOptions } from './options.js';
import { throttled } from './progress.js';
import { Stage, type Progress } from './stage.js';
import { isGood, renderSummary, type Summary } from './summary.js';

type Step = (progress: Progress) => Promise<unknown>;

/** Runs the demo to its end and gives its exit code. Nothing of it is left on the machine, however it ends. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const { ok, missing } = await preflight();
  if (!ok) {
    process.stderr.write(
      `demo: this machine cannot run the lab, and nothing was changed. Missing:\n${missing.map((line) => `  - ${line}\n`).join('')}`,
    );
    return EXIT.unable;
  }
  const stage = new Stage(options, signal);
  let summary: Summary | undefined;
  try {
    await untilAborted(
      play(stage, options, (done) => (summary = done)),
      signal,
    );
  } catch (error) {
    if (!signal.aborted)
      process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    await stage.strike();
  }
  if (signal.aborted) return EXIT.interrupted;
  if (summary === undefined) return EXIT.bad;
  process.stdout.write(`\n${renderSummary(summary, stage.crash)}\n`);
  await writeJson(options.json, summary);
  if (isGood(summary)) return EXIT.good;
  if (stage.complaints !== '') process.stderr.write(`\nSIPp says:\n${stage.complaints}\n`);
  return EXIT.bad;
}

function play(
  stage: Stage,
  { calls, nodes }: DemoOptions,
  done: (summary: Summary) => void,
): Promise<unknown> {
  const tasks = new Listr<undefined, typeof DefaultRenderer, typeof SimpleRenderer>(
    [
      step(`a lab of ${nodes} Asterisk behind Kamailio and RTPEngine, with Reinvite`, (say) =>
        stage.raise(say),
      ),
      step(`${calls} calls: to an application, bridged by ARI, joined by Dial`, (say) =>
        stage.makeCalls(say),
      ),
      step('kill -9 for the fullest Asterisk', (say) => stage.kill(say)),
      step('its calls come back', (say) => stage.watchRecovery(say)),
      step('each phone hangs up by itself', (say) => stage.watchHangUps(say)),
      step('what the phones saw, against the audit', async () => done(await stage.sumUp())),
    ],
    {
      registerSignalListeners: false,
      fallbackRendererCondition: () => !process.stdout.isTTY,
      renderer: DefaultRenderer,
      fallbackRenderer: SimpleRenderer,
      rendererOptions: { collapseErrors: false },
    },
  );
  return tasks.run();
}

function step(title: string, run: Step): ListrTask<undefined, typeof DefaultRenderer, typeof SimpleRenderer> {
  return {
    title,
    rendererOptions: { persistentOutput: true },
    task: async (_, task) => {
      const { say, end } = throttled((line) => (task.output = line), process.stdout.isTTY);
      try {
        await run(say);
      } finally {
        end();
      }
    },
  };
}

/** The steps stop at their next look at the signal; nobody who pressed Ctrl-C shall wait for that. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await Promise.race([
    work,
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  ]);
}
