import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { hostRoot, LAB_PACKAGE } from '../paths.js';
import type { HostLayout, Layout } from '../layout.js';
import { run } from './run.js';
import { multiarch, type Values } from './template.js';

/** Port of SIP over UDP and TCP at every host; over TLS it is the next one. */
export const SIP_PORT = 5060;

/** Where everybody is, as every configuration in deploy/ names it. */
export function addressValues(layout: Layout): Values {
  const named = layout.hosts.filter(({ role }) => role !== 'node' && role !== 'service');
  return {
    MULTIARCH: multiarch(),
    ...Object.fromEntries(
      named.flatMap(({ name, address, address6 }) => [
        [`${name.toUpperCase()}_ADDRESS`, address],
        [`${name.toUpperCase()}_ADDRESS6`, address6],
      ]),
    ),
    NAMED_NODES: nodesOf(layout)
      .map(
        ({ name, address, address6 }) =>
          `\t$sht(named=>${name}) = "${address}";\n\t$sht(named=>${name}:6) = "[${address6}]";`,
      )
      .join('\n'),
  };
}

export function nodesOf(layout: Layout): readonly HostLayout[] {
  return layout.hosts.filter(({ role }) => role === 'node');
}

/** Makes a certificate for every host that speaks TLS, with an authority of this lab's own, on all hosts' /lab/tls. */
export async function makeCertificates(layout: Layout): Promise<void> {
  const script = await readFile(path.join(LAB_PACKAGE, 'scripts', 'certificates.sh'), 'utf8');
  const names = layout.hosts.map(({ name, address, address6 }) => [name, address, address6].join(','));
  await run('chroot', [hostRoot('edge'), 'sh', '-s', ...names], script);
}
