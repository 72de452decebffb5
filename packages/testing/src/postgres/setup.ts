import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { findPostgres } from './programs.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder of PostgreSQL's programs; none when there are none and need not be. */
    readonly postgres: string | undefined;
  }
}

/** A Vitest `globalSetup`: provides the folder of PostgreSQL's programs as `postgres`. */
export default function setup(project: TestProject): void {
  const found = findPostgres();
  project.provide('postgres', found);
  if (found !== undefined) return;
  const how = 'Install it: apt-get install postgresql.';
  if (process.env['SOTTO_REQUIRE_POSTGRES'] === '1') {
    throw new Error(`SOTTO_REQUIRE_POSTGRES=1, and there is no PostgreSQL server on this machine. ${how}`);
  }
  const line = '!'.repeat(80);
  process.stderr.write(
    `\n${line}\nSKIPPED: everything with PostgreSQL, as there is no server on this machine. ${how}\n` +
      `SOTTO_REQUIRE_POSTGRES=1 makes this an error.\n${line}\n\n`,
  );
}
