import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { PageApi } from './page.js';

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

/** A page's own functions, called from outside. */
export type PageCalls = {
  [Name in keyof PageApi]: (
    ...args: Parameters<PageApi[Name]>
  ) => Promise<Awaited<ReturnType<PageApi[Name]>>>;
};

/** A tab, and what can be called in it. */
export interface Tab {
  readonly page: Page;
  readonly call: PageCalls;
}

/** A browser with one profile, and a server for its pages. */
export interface Browser {
  readonly context: BrowserContext;
  readonly port: number;
  openTab(): Promise<Tab>;
  close(): Promise<void>;
}

/**
 * @param profile a directory for the browser's data
 * @param wantedPort of the server, and with it the origin of the pages; 0 for any
 */
export async function startBrowser(profile: string, wantedPort = 0): Promise<Browser> {
  const script = await buildPage();
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>Sotto</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(wantedPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ARGUMENTS,
  });
  return {
    context,
    port,
    async openTab() {
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      return { page, call: callsOf(page) };
    },
    async close() {
      await context.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function callsOf(page: Page): PageCalls {
  const run = ([name, args]: [string, unknown[]]) => {
    const { sotto } = globalThis as unknown as { sotto: Record<string, (...args: unknown[]) => unknown> };
    return sotto[name]?.(...args);
  };
  return new Proxy({} as PageCalls, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        page.evaluate(run, [String(name), args] as [string, unknown[]]),
  });
}

/** The page's code as one file. */
async function buildPage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'chrome120',
    write: false,
  });
  return (outputFiles[0] as { text: string }).text;
}
