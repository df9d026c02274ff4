import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { codedError, isCoded } from '@reinvite/runtime';
import { Command, InvalidArgumentError } from 'commander';
import { findLab, type Lab } from './lab.js';
import type { LabOptions } from './options.js';
import type { Operation } from './protocol.js';
import { endLab, readInfo, runningLabs } from './registry.js';
import { startLab } from './start.js';

const DEFAULT_NAME = 'lab';

const OPERATIONS: Readonly<Record<Operation, string>> = {
  kill: 'SIGKILL the Asterisk of a node, or a service',
  hang: 'SIGSTOP the Asterisk of a node, or a service',
  cut: 'drop all packets from and to a host',
  heal: 'undo cut and hang',
  start: 'start an Asterisk or a service that has ended',
  stop: 'stop an Asterisk or a service in order',
  restart: 'stop and start an Asterisk or a service',
};

/** Runs one `lab` command line and gives its exit code. Results go to stdout, progress and errors to stderr. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('lab').description('A real telephony cluster in network namespaces.');
  program.enablePositionalOptions();
  named(program.command('up'))
    .description('bring a lab up and print its addresses as JSON')
    .option('--nodes <n>', 'Asterisk nodes', wholeNumber, 3)
    .option('--only <part>', 'only part of it: core (NATS and PostgreSQL)')
    .option('--no-reinvite', 'without Reinvite itself')
    .option('--billing', 'nodes write call and event records into Postgres')
    .option('--nats <n>', 'NATS servers: 1, 3 or 5', wholeNumber, 1)
    .option('--replicas <service=n...>', 'replicas of a service, each on a host of its own', replicasOf, {})
    .option('--owner <pid>', 'end the lab when this process ends', wholeNumber)
    .action(up);
  named(program.command('down')).description('end a lab').action(down);
  named(program.command('status'))
    .description('print what runs, as JSON')
    .action(async ({ name }: Named) => print(await (await findLab(name)).status()));
  program
    .command('list')
    .description('print the names of the running labs')
    .action(async () => print(await runningLabs()));
  named(program.command('exec <host> <command...>'))
    .description('run a command on a host: exec HOST -- CMD…')
    .passThroughOptions()
    .action(async (host: string, command: string[], { name }: Named) => {
      exitCode = await execute(await findLab(name), host, command);
    });
  named(program.command('logs [what]'))
    .description('print the log of a process, or of all')
    .option('-f, --follow', 'go on as it grows')
    .action(logs);
  named(program.command('cut <host>'))
    .description(OPERATIONS.cut)
    .option('--from <peer>', 'only what it has with this host or process')
    .action(async (host: string, { name, from }: Named & { readonly from?: string }) =>
      print(await (await findLab(name)).cut(host, from)),
    );
  for (const [operation, description] of Object.entries(OPERATIONS) as [Operation, string][]) {
    if (operation === 'cut') continue;
    named(program.command(`${operation} <target>`))
      .description(description)
      .action(async (target: string, { name }: Named) =>
        print(await (await findLab(name))[operation](target)),
      );
  }
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (!isCoded(error)) throw error;
    process.stderr.write(`lab: ${error.message}\n`);
    return 1;
  }
}

interface Named {
  readonly name: string;
}

interface UpOptions extends Named {
  readonly nodes: number;
  readonly only?: string;
  readonly reinvite: boolean;
  readonly billing?: boolean;
  readonly nats: number;
  readonly replicas: Readonly<Record<string, number>>;
  readonly owner?: number;
}

function named(command: Command): Command {
  return command.option('--name <name>', 'which lab', DEFAULT_NAME);
}

async function up({ name, nodes, only, reinvite, billing, nats, replicas, owner }: UpOptions): Promise<void> {
  if (only !== undefined && only !== 'core')
    throw codedError('LAB_REQUEST_INVALID', `--only knows "core", not "${only}"`);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(codedError('LAB_START_FAILED', 'interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const onProgress = (line: string): void => void process.stderr.write(`lab: ${line}\n`);
  const part = only === undefined ? {} : ({ only: 'core' } as const);
  const lab = await startLab({
    name,
    nodes,
    reinvite,
    // What is no such number, or no such service, is refused with the other options.
    nats: nats as NonNullable<LabOptions['nats']>,
    services: replicas,
    ...(billing === undefined ? {} : { billing }),
    owner: owner ?? 'none',
    onProgress,
    signal: interrupted.signal,
    ...part,
  });
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  print(lab.info);
}

async function down({ name }: Named): Promise<void> {
  const { wasRunning } = await endLab(name);
  process.stderr.write(wasRunning ? `lab: "${name}" is down\n` : `lab: there is no lab "${name}"\n`);
}

async function execute(lab: Lab, host: string, words: readonly string[]): Promise<number> {
  const command = words[0] === '--' ? words.slice(1) : words;
  const child = lab.spawn(host, command, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  await once(child, 'exit');
  return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]);
}

async function logs(
  what: string | undefined,
  { name, follow }: Named & { readonly follow?: boolean },
): Promise<void> {
  const directory = (await readInfo(name)).logs;
  const present = (await readdir(directory)).sort();
  const files = what === undefined ? present : present.filter((file) => file === `${what}.log`);
  if (files.length === 0)
    throw codedError('LAB_UNKNOWN_HOST', `no log of "${what ?? ''}": there is ${present.join(', ')}`);
  const args = [
    '-n',
    '+1',
    ...(follow === true ? ['-F'] : []),
    ...files.map((file) => path.join(directory, file)),
  ];
  const tail = spawn('tail', args, { stdio: 'inherit' });
  await once(tail, 'exit');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number above 0 is wanted');
  return value;
}

function replicasOf(text: string, others: Readonly<Record<string, number>>): Record<string, number> {
  const [service = '', count = ''] = text.split('=');
  return { ...others, [service]: wholeNumber(count) };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
