import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with the installed chain, for `startChain`; none when it could not be installed and need not be. */
    readonly chain: string | undefined;
  }
}

/** A Vitest `globalSetup`: installs a local chain with the contracts of ENS, once for this checkout. */
export default async function setup(project: TestProject): Promise<void> {
  const folder = join(import.meta.dirname, '../../chain');
  try {
    if (!isInstalled(folder)) {
      process.stderr.write('Installing a local chain, once, with 60 MB ...\n');
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
      await promisify(execFile)('npm', args, { cwd: folder, shell: process.platform === 'win32' });
    }
    project.provide('chain', folder);
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

/** The install is current when npm's own record of it is newer than the lock file. */
function isInstalled(folder: string): boolean {
  const record = join(folder, 'node_modules', '.package-lock.json');
  return (
    existsSync(record) && statSync(record).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  );
}
