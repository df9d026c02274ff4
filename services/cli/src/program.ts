import { Command, CommanderError } from 'commander';
import { errorLine, EXIT, exitCodeOf, standardOutput, type Output } from './output.js';
import { SERVICE_NAMES } from './services.js';
import type { OperatorOptions } from './commands/operate.js';
import type { RecordingOptions } from './commands/recording.js';
import type { RequestOptions } from './commands/request.js';
import type { RunOptions } from './commands/run.js';
import type { StatusOptions } from './commands/status.js';

/**
 * The `reinvite` command. Each sub-command loads its own code only.
 * @param argv what stands after the program's name.
 * @returns the exit code: see {@link EXIT}.
 */
export async function runCommandLine(
  argv: readonly string[],
  output: Output = standardOutput,
): Promise<number> {
  let code: number = EXIT.ok;
  const program = buildProgram(output, (other) => (code = other));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    output.err(errorLine(error));
    return exitCodeOf(error);
  }
}

function buildProgram(output: Output, exitWith: (code: number) => void): Command {
  const program = new Command('reinvite').description('Keeps phone calls alive when an Asterisk dies.');
  program.exitOverride().configureOutput({
    writeOut: (text) => output.out(text.trimEnd()),
    writeErr: (text) => output.err(text.trimEnd()),
  });

  subcommand(program, 'run', 'run services in this process until SIGINT or SIGTERM')
    .argument('[services...]', `all, or some of ${SERVICE_NAMES.join(', ')}`)
    .option('--node <id>', 'the node whose agent this is')
    .action(async (services: string[], options: RunOptions) => {
      const { run } = await import('./commands/run.js');
      await run(services, options);
    });

  subcommand(
    program,
    'migrate',
    'bring the database, and NATS where keys are used, up to this release',
  ).action(async (options: { config: string }) => {
    const { migrate } = await import('./commands/migrate.js');
    await migrate(options);
  });

  subcommand(program, 'check-config', 'validate the configuration and print it without its secrets').action(
    async (options: { config: string }) => {
      const { checkConfig } = await import('./commands/check-config.js');
      await checkConfig(options, output);
    },
  );

  subcommand(
    program,
    'nats-config',
    'print who may do what on NATS, for nats-server, and make missing keys',
  ).action(async (options: { config: string }) => {
    const { natsConfig } = await import('./commands/nats-config.js');
    await natsConfig(options, output);
  });

  subcommand(program, 'request', 'ask for the recovery of a node or of one call')
    .requiredOption('--reason <text>', 'why, for the audit')
    .option('--node <id>', "recover this node's calls")
    .option('--call <id>', 'recover this call: our call id, or the SIP Call-ID of one of its legs')
    .option('--by <name>', 'who asks; the user of this process otherwise')
    .option('--key <key>', 'idempotency key: the same key is done once')
    .option('--dry-run', 'plan and answer, but do nothing')
    .action(async (options: RequestOptions) => {
      const { request } = await import('./commands/request.js');
      exitWith(await request(options, output));
    });

  subcommand(program, 'recording', 'print the parts of a recording, with the node that has each, as JSON')
    .argument('<name>', 'of the recording, or of one of its parts')
    .action(async (name: string, options: RecordingOptions) => {
      const { recording } = await import('./commands/recording.js');
      exitWith(await recording(name, options, output));
    });

  operatorCommands(program, output, exitWith);
  return program;
}

/** What a person tells a cluster that runs. */
function operatorCommands(program: Command, output: Output, exitWith: (code: number) => void): void {
  const load = () => import('./commands/operate.js');
  subcommand(
    program,
    'status',
    'nodes, sentinels, what holds recovery back, calls that wait, the last deaths',
  )
    .option('--json', 'for a program')
    .action(async (options: StatusOptions) => {
      const { status } = await import('./commands/status.js');
      exitWith(await status(options, output));
    });
  asOperator(program, 'stop', 'stop recovery: no call of a dead node is touched until it is resumed').action(
    async (options: OperatorOptions) => exitWith(await (await load()).stop(options, output)),
  );
  asOperator(program, 'resume', 'let recovery go on after a stop or a mass failure').action(
    async (options: OperatorOptions) => exitWith(await (await load()).resume(options, output)),
  );
  asOperator(program, 'release', 'recover a call that is held in quarantine')
    .argument('<call>', 'our call id, or the SIP Call-ID of one of its legs')
    .action(async (call: string, options: OperatorOptions) =>
      exitWith(await (await load()).release(call, options, output)),
    );
  asOperator(program, 'declare-down', 'vouch that a node is dead which nothing could fence')
    .argument('<node>', 'its id')
    .action(async (node: string, options: OperatorOptions) =>
      exitWith(await (await load()).declareNodeDown(node, options, output)),
    );
}

function asOperator(program: Command, name: string, description: string): Command {
  return subcommand(program, name, description)
    .requiredOption('--reason <text>', 'why, for the audit')
    .option('--by <name>', 'who says so; the user of this process otherwise');
}

function subcommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--config <file>', 'configuration file (YAML)');
}
