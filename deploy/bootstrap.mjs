#!/usr/bin/env node
/**
 * Brings what a fresh checkout lacks (pnpm, the packages, the build) and runs one task. It has no dependency of its own
 * and runs the task inside its own process, so that whoever ends this process ends the task.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'reinvite');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

const tasks = {
  demo: { lab: true, build: true, run: (args) => runScript('test/demo/dist/main.js', args) },
  bench: { lab: true, build: true, run: (args) => runScript('test/bench/dist/main.js', args) },
  conformance: {
    lab: true,
    build: true,
    run: (args) => runScript('test/conformance/dist/main.js', args),
  },
  'whole-call': {
    lab: true,
    build: true,
    run: (args) => runScript('test/whole-call/dist/main.js', args),
  },
  chaos: { lab: true, build: true, run: (args) => runScript('test/chaos/dist/main.js', args) },
  simulate: {
    lab: false,
    build: true,
    run: (args) => runScript('test/simulation/dist/main.js', args),
  },
  lab: { lab: true, build: true, run: (args) => runScript('deploy/lab/dist/cli.js', args) },
  test: {
    lab: true,
    build: true,
    run: (args) => runScript('node_modules/vitest/vitest.mjs', ['run', ...args]),
  },
  build: { lab: false, build: true, run: () => undefined },
  check: {
    lab: false,
    build: false,
    run: () =>
      tool('turbo', [
        'run',
        'check:format',
        'check:types',
        'check:lint',
        'check:structure',
        '--output-logs=new-only',
      ]),
  },
  format: { lab: false, build: false, run: () => tool('prettier', ['--write', '.']) },
};

const [name = '', ...args] = process.argv.slice(2);
const task = tasks[name];
if (task === undefined) fail(`unknown task "${name}": one of ${Object.keys(tasks).join(', ')}`);
checkNode();
if (task.lab && !wantsNoLab(args)) await checkMachine();
endWithParent();
process.chdir(root);
installPackages();
if (task.build) tool('tsc', ['-b']);
await task.run(args);

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${manifest.engines.node} is needed, this is ${process.versions.node}`);
}

/** Asking for help or for unit tests alone needs no lab. */
function wantsNoLab(given) {
  return (
    given.includes('--help') ||
    given.includes('-h') ||
    given.join(' ').includes('--project unit') ||
    given.includes('--project=unit')
  );
}

async function checkMachine() {
  const { preflight } = await import('./lab/preflight.mjs');
  const { ok, missing } = await preflight();
  if (!ok)
    fail(
      `this machine cannot run the lab, and nothing was changed. Missing:\n${missing.map((line) => `  - ${line}`).join('\n')}`,
    );
}

/**
 * npm does not pass on SIGKILL: a task whose starter is gone ends too, and with it the lab that it owns. npm starts its
 * scripts through a shell, so its parent is watched as well.
 */
function endWithParent() {
  const starters = () => [process.ppid, parentOf(process.ppid)].join(' ');
  const before = starters();
  setInterval(() => {
    if (starters() !== before) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

function parentOf(pid) {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

function installPackages() {
  const lockfile = readFileSync(path.join(root, 'pnpm-lock.yaml'));
  const stamp = path.join(root, 'node_modules', '.reinvite-installed');
  const key = createHash('sha256').update(lockfile).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  note('installing the packages');
  run(process.execPath, [pnpm(), 'install', '--frozen-lockfile', '--reporter=append-only'], { quiet: true });
  writeFileSync(stamp, key);
}

/** Where pnpm is kept, in the version that `packageManager` names: beside the lab's cache. */
function pnpmHome() {
  return path.join(cache, `pnpm-${manifest.packageManager.split('@')[1]}`);
}

/** Brings pnpm from the npm registry where it is not there yet. @returns its program. */
function pnpm() {
  const home = pnpmHome();
  const entry = path.join(home, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  if (existsSync(entry)) return entry;
  note(`bringing ${manifest.packageManager}`);
  mkdirSync(cache, { recursive: true });
  // What an interrupted try has left; one that is under way elsewhere is not so old.
  for (const left of readdirSync(cache).filter((name) => name.startsWith(`${path.basename(home)}.`))) {
    const dir = path.join(cache, left);
    if (Date.now() - statSync(dir).mtimeMs > 600_000) rmSync(dir, { recursive: true, force: true });
  }
  const fresh = `${home}.${process.pid}`;
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', fresh, manifest.packageManager], {
    quiet: true,
  });
  if (!existsSync(home)) renameSync(fresh, home);
  rmSync(fresh, { recursive: true, force: true });
  return entry;
}

function tool(binary, given) {
  run(path.join(root, 'node_modules', '.bin', binary), given, {});
}

/** Runs a command to its end; quiet commands show what they said only when they fail. */
function run(command, given, { quiet = false }) {
  const environment = {
    ...process.env,
    // turbo looks for pnpm there.
    PATH: `${path.join(pnpmHome(), 'node_modules/.bin')}:${process.env.PATH}`,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    CI: process.env.CI ?? '',
  };
  if (environment.CI === '') delete environment.CI;
  const result = spawnSync(command, given, {
    cwd: root,
    env: environment,
    stdio: quiet ? 'pipe' : 'inherit',
    maxBuffer: 64 << 20,
  });
  if (result.error) fail(`${command} cannot be run: ${result.error.message}`);
  if (result.signal) process.exit(130);
  if (result.status === 0) return;
  if (quiet) process.stderr.write(Buffer.concat([result.stdout, result.stderr]));
  process.exit(result.status ?? 1);
}

async function runScript(script, given) {
  const file = path.join(root, script);
  process.argv = [process.execPath, file, ...given];
  await import(pathToFileURL(file).href);
}

function note(text) {
  process.stderr.write(`reinvite: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`reinvite: ${text}\n`);
  process.exit(2);
}
