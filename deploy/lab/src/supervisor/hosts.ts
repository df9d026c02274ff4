import path from 'node:path';
import { HOSTS_DIR, LAB_PACKAGE } from '../paths.js';
import type { Layout } from '../layout.js';
import { run } from './run.js';

/** Makes every host: network, name and file system. */
export async function makeHosts(layout: Layout, layers: string, shared: string): Promise<void> {
  const table = [
    '127.0.0.1 localhost',
    '::1 localhost',
    ...layout.hosts.flatMap(({ address, address6, name }) => [`${address} ${name}`, `${address6} ${name}`]),
    '',
  ].join('\n');
  const script = path.join(LAB_PACKAGE, 'scripts', 'host.sh');
  await Promise.all(
    layout.hosts.map((host) =>
      run(
        'sh',
        [
          script,
          host.name,
          `${host.address}/${layout.prefix}`,
          `${host.address6}/${layout.prefix6}`,
          path.join(HOSTS_DIR, host.name),
          layers,
          shared,
        ],
        table,
      ),
    ),
  );
}
