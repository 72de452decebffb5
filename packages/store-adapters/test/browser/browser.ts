import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bundlePage } from '@sotto/testing/bundle';
import { launchChromium } from '@sotto/testing/chromium';
import type { BrowserContext, Page } from 'playwright-core';
import type { PageApi } from './page.js';

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
  const script = await bundlePage(fileURLToPath(new URL('page.ts', import.meta.url)));
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? script : '<!doctype html><title>Sotto</title><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(wantedPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const context = await launchChromium(profile);
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
