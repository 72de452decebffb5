import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
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

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** The built page. */
const SITE = fileURLToPath(new URL('../../dist/site/', import.meta.url));

/** Whether the tests can run; says it loudly when they can't, and fails when they have to. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  const message = `${CHROMIUM} is missing: NOTHING IS TESTED IN A BROWSER (apt-get install chromium)`;
  if (process.env['SOTTO_REQUIRE_CHROMIUM'] === '1') throw new Error(message);
  process.stderr.write(`\n!!! ${message}\n\n`);
  return false;
}

/** Serves the built page on loopback. */
export async function serveSite(node: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const name = path === '/' ? 'index.html' : path;
    try {
      const body = name === '/config.json' ? JSON.stringify({ node }) : await readFile(join(SITE, name));
      response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
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
