/**
 * What the lab needs of a machine. Plain JavaScript without a dependency, so that it can say what is missing before
 * anything is installed. It changes nothing.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Free bytes that building and running the lab takes. */
const DISK_BYTES = 4e9;

/** @returns {Promise<{ok: boolean, missing: string[]}>} one line for each thing that is missing. */
export async function preflight() {
  const missing = [];
  if (process.platform !== 'linux') return { ok: false, missing: [`Linux: this is ${process.platform}`] };
  if (process.getuid?.() !== 0) missing.push('root: the lab makes network namespaces and mounts');
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    missing.push(`an amd64 or arm64 machine: this is ${process.arch}`);
  if (!existsSync('/usr/bin/apt-get'))
    missing.push('Debian with apt-get: the lab is built from its packages');
  if (!existsSync('/usr/bin/unshare') || !existsSync('/usr/bin/nsenter'))
    missing.push('unshare and nsenter (package util-linux)');
  if (!existsSync('/proc/net/if_inet6'))
    missing.push('IPv6 in the kernel: the lab has addresses of both families');
  if (missing.length === 0 && !(await canUnshare()))
    missing.push('the right to make mount, PID and network namespaces and overlay mounts');
  const free = await freeBytes();
  if (free < DISK_BYTES)
    missing.push(`4 GB of free disk for the cache: ${(free / 1e9).toFixed(1)} GB are free`);
  return { ok: missing.length === 0, missing };
}

async function canUnshare() {
  const script =
    'set -e; mount --make-rprivate /; mount -t tmpfs t /mnt; cd /mnt; mkdir l u w m; mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m';
  try {
    await exec('unshare', ['--mount', '--pid', '--net', '--fork', '--kill-child', 'sh', '-c', script]);
    return true;
  } catch {
    return false;
  }
}

async function freeBytes() {
  const wanted = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  let dir = wanted;
  while (!existsSync(dir)) dir = path.dirname(dir);
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
