import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { installChain } from './install.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with the installed chain, for `startChain`; none when it could not be installed and need not be. */
    readonly chain: string | undefined;
  }
}

/** A Vitest `globalSetup`: installs a local chain with the contracts of ENS, once for this checkout. */
export default async function setup(project: TestProject): Promise<void> {
  try {
    project.provide('chain', await installChain());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['SOTTO_REQUIRE_CHAIN'] === '1') {
      throw new Error(`SOTTO_REQUIRE_CHAIN=1, and the local chain could not be installed: ${reason}`);
    }
    project.provide('chain', undefined);
    const line = '!'.repeat(80);
    process.stderr.write(
      `\n${line}\nSKIPPED: the tests on a real chain, as it could not be installed.\n${reason}\n` +
        `They need the npm registry. SOTTO_REQUIRE_CHAIN=1 makes this an error.\n${line}\n\n`,
    );
  }
}
