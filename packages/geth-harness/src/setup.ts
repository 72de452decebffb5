import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';

/** One of the last releases with Whisper. */
const VERSION = 'v1.9.19';
const MODULE = `github.com/ethereum/go-ethereum/cmd/geth@${VERSION}`;

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a geth with Whisper; none when it could not be built and need not be. */
    readonly geth: string | undefined;
  }
}

const run = promisify(execFile);

/** A Vitest `globalSetup`: builds geth, once for this checkout, and provides its path as `geth`. */
export default async function setup(project: TestProject): Promise<void> {
  const name = process.platform === 'win32' ? 'geth.exe' : 'geth';
  const folder = join(import.meta.dirname, `../node_modules/.cache/geth-${VERSION}`);
  const program = join(folder, name);
  try {
    if (!existsSync(program)) await build(folder, name);
    project.provide('geth', program);
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

async function build(folder: string, name: string): Promise<void> {
  const { stdout } = await run('go', ['env', 'GOVERSION']);
  const [, minor = '0'] = /^go1\.(\d+)/.exec(stdout.trim()) ?? [];
  process.stderr.write(`Building geth ${VERSION} with ${stdout.trim()}, once; this takes minutes ...\n`);
  const building = join(folder, `building-${process.pid}`);
  mkdirSync(building, { recursive: true });
  // Since Go 1.23 the linker refuses what a dependency of this geth does.
  const flags = Number(minor) >= 23 ? ['-ldflags=-checklinkname=0'] : [];
  const command = ['go', 'install', '-p', '2', ...flags, MODULE];
  const [program = '', ...args] = process.platform === 'win32' ? command : ['nice', ...command];
  try {
    await run(program, args, {
      env: { ...process.env, GOBIN: building, GOFLAGS: '-mod=mod' },
      maxBuffer: 64 * 1024 * 1024,
    });
    // Whole or not at all, should this be stopped or run twice at once.
    renameSync(join(building, name), join(folder, name));
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
