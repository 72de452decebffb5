import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Whether the tests can run; says it loudly when they can't, and fails when they have to. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  const message = `${CHROMIUM} is missing: NOTHING IS TESTED IN A BROWSER (apt-get install chromium)`;
  if (process.env['SOTTO_REQUIRE_CHROMIUM'] === '1') throw new Error(message);
  process.stderr.write(`\n!!! ${message}\n\n`);
  return false;
}

/** A browser with a profile of its own, in a directory that goes with it. */
export interface Profile {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

export async function openProfile(
  options: BrowserContextOptions = {},
  args: readonly string[] = [],
): Promise<Profile> {
  const directory = await mkdtemp(join(tmpdir(), 'sotto-chat-'));
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: CHROMIUM,
    args: [...ARGUMENTS, ...args],
    locale: 'en-GB',
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
