import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { codedError } from '@reinvite/runtime';
import { execa } from 'execa';
import { LAB_PACKAGE } from './paths.js';

/** Commands on the machine that the lab needs, and the Debian package that has each. */
const TOOLS = { debootstrap: 'debootstrap', ip: 'iproute2' } as const;

/**
 * Finds the Debian root of the lab in the cache, or builds it (a minute or two), and gives its overlay layers.
 * The build ends with this process, and leaves nothing when it is cut short.
 * @throws CodedError `LAB_ROOT_FAILED` with the end of what the build said.
 */
export async function findRoot(progress: (line: string) => void, signal?: AbortSignal): Promise<string> {
  await installTools(progress);
  const script = path.join(LAB_PACKAGE, 'install', 'root.sh');
  const build = execa('setpriv', ['--pdeathsig', 'TERM', '--', script], {
    reject: false,
    buffer: { stdout: true, stderr: true },
    maxBuffer: 64 << 20,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  for await (const line of build.iterable({ from: 'stderr' })) {
    if (line.startsWith('lab: ')) progress(line.slice('lab: '.length));
  }
  const result = await build;
  if (result.exitCode === 0) return result.stdout.trim();
  signal?.throwIfAborted();
  throw codedError('LAB_ROOT_FAILED', `the lab's root was not built:\n${result.stderr.slice(-3_000)}`);
}

async function installTools(progress: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const [command, debianPackage] of Object.entries(TOOLS)) {
    try {
      await promisify(execFile)('sh', ['-c', `command -v ${command}`]);
    } catch {
      missing.push(debianPackage);
    }
  }
  if (missing.length === 0) return;
  progress(`installing on this machine: ${missing.join(', ')}`);
  const result = await execa(
    'sh',
    ['-c', `apt-get -q update && apt-get -q -y install --no-install-recommends ${missing.join(' ')}`],
    {
      reject: false,
      all: true,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    },
  );
  if (result.exitCode !== 0)
    throw codedError(
      'LAB_ROOT_FAILED',
      `apt-get could not install ${missing.join(', ')}:\n${result.all.slice(-2_000)}`,
    );
}
