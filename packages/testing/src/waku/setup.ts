import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { installProject } from '../install-project.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with the packages of Waku installed; none when they could not be installed and need not be. */
    readonly waku: string | undefined;
  }
}

/** A Vitest `globalSetup`: installs nodes of Waku, once for this checkout. */
export default async function setup(project: TestProject): Promise<void> {
  try {
    project.provide('waku', await installProject(join(import.meta.dirname, '../../waku'), 'nodes of Waku'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['SOTTO_REQUIRE_WAKU'] === '1') {
      throw new Error(`SOTTO_REQUIRE_WAKU=1, and nodes of Waku could not be installed: ${reason}`);
    }
    project.provide('waku', undefined);
    const line = '!'.repeat(80);
    process.stderr.write(
      `\n${line}\nSKIPPED: the tests with nodes of Waku, as they could not be installed.\n${reason}\n` +
        `They need the npm registry. SOTTO_REQUIRE_WAKU=1 makes this an error.\n${line}\n\n`,
    );
  }
}
