import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { buildGo } from '../geth/build-go.js';
import { TwoHosts } from './two-hosts.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the link between two hosts, for `TwoHosts.open`; none when hosts could not be made and need not be. */
    readonly link: string | undefined;
  }
}

/** A Vitest `globalSetup`: builds the link between two hosts, and tries whether network namespaces may be made. */
export default async function setup(project: TestProject): Promise<void> {
  const packageFolder = join(import.meta.dirname, '../..');
  try {
    const link = await buildGo(
      join(packageFolder, 'link'),
      join(packageFolder, 'node_modules/.cache/link'),
      'link',
    );
    await (await TwoHosts.open(link)).close();
    project.provide('link', link);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['SOTTO_REQUIRE_NETWORK'] === '1') {
      throw new Error(`SOTTO_REQUIRE_NETWORK=1, and two hosts could not be made: ${reason}`);
    }
    project.provide('link', undefined);
    const line = '!'.repeat(80);
    process.stderr.write(
      `\n${line}\nSKIPPED: the tests over a network with faults, as two hosts could not be made.\n${reason}\n` +
        `They need Linux, root, /dev/net/tun, iproute2, and Go on the PATH. SOTTO_REQUIRE_NETWORK=1 makes this an error.\n${line}\n\n`,
    );
  }
}
