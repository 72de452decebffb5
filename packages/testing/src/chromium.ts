import { existsSync } from 'node:fs';
import process from 'node:process';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { createTemporaryDirectory } from './files.js';

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

/** Whether the tests can run; warns loudly when they can't, and throws when they are required to. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  const message = `${CHROMIUM} is missing: NOTHING IS TESTED IN A BROWSER (apt-get install chromium)`;
  if (process.env['SOTTO_REQUIRE_CHROMIUM'] === '1') throw new Error(message);
  process.stderr.write(`\n!!! ${message}\n\n`);
  return false;
}

/** Starts Chromium with its profile in a directory, which may hold that of an earlier run. */
export function launchChromium(
  directory: string,
  options: BrowserContextOptions = {},
  args: readonly string[] = [],
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(directory, {
    executablePath: CHROMIUM,
    args: [...ARGUMENTS, ...args],
    locale: 'en-GB',
    ...options,
  });
}

/** A browser with a profile of its own, in a directory that is deleted with it. */
export interface Profile {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** Starts Chromium with a new profile. */
export async function openProfile(
  options: BrowserContextOptions = {},
  args: readonly string[] = [],
): Promise<Profile> {
  const directory = createTemporaryDirectory();
  const context = await launchChromium(directory.path, options, args);
  return {
    context,
    async close() {
      await context.close();
      directory.remove();
    },
  };
}
