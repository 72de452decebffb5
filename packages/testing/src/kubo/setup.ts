import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { buildGo } from '../geth/build-go.js';

/** As in `kubo/go.mod`. */
const VERSION = 'v0.42.0';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a Kubo, the IPFS node; none when it could not be built and need not be. */
    readonly kubo: string | undefined;
  }
}

/** A Vitest `globalSetup`: builds Kubo, once for this checkout, and provides its path as `kubo`. */
export default async function setup(project: TestProject): Promise<void> {
  const packageFolder = join(import.meta.dirname, '../..');
  const folder = join(packageFolder, `node_modules/.cache/kubo-${VERSION}`);
  try {
    // `go install` refuses it, because of its replace lines.
    project.provide('kubo', await buildGo(join(packageFolder, 'kubo'), folder, 'kubo'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['SOTTO_REQUIRE_GO'] === '1') {
      throw new Error(`SOTTO_REQUIRE_GO=1, and Kubo could not be built: ${reason}`);
    }
    project.provide('kubo', undefined);
    const line = '!'.repeat(80);
    process.stderr.write(
      `\n${line}\nSKIPPED: the tests against real IPFS nodes, as Kubo could not be built.\n${reason}\n` +
        `They need Go 1.26.4 or later on the PATH and the Go module proxy. SOTTO_REQUIRE_GO=1 makes this an error.\n${line}\n\n`,
    );
  }
}
