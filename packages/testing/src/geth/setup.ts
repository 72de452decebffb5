import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { installGo } from './build-go.js';

/** One of the last releases with Whisper. */
const VERSION = 'v1.9.19';
const MODULE = `github.com/ethereum/go-ethereum/cmd/geth@${VERSION}`;

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a geth with Whisper; none when it could not be built and need not be. */
    readonly geth: string | undefined;
  }
}

/** A Vitest `globalSetup`: builds geth, once for this checkout, and provides its path as `geth`. */
export default async function setup(project: TestProject): Promise<void> {
  const folder = join(import.meta.dirname, `../../node_modules/.cache/geth-${VERSION}`);
  try {
    project.provide('geth', await installGo(folder, 'geth', MODULE));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['SOTTO_REQUIRE_GO'] === '1') {
      throw new Error(`SOTTO_REQUIRE_GO=1, and geth could not be built: ${reason}`);
    }
    project.provide('geth', undefined);
    const line = '!'.repeat(80);
    process.stderr.write(
      `\n${line}\nSKIPPED: the tests against a real go-ethereum node, as it could not be built.\n${reason}\n` +
        `They need Go 1.19 or later on the PATH and the Go module proxy. SOTTO_REQUIRE_GO=1 makes this an error.\n${line}\n\n`,
    );
  }
}
