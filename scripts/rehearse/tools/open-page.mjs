// Opens a page in Chromium, and waits for what it says of itself (shared/page.mjs).
//   open-page.mjs --serve FOLDER             the files of a folder; without index.html, a page that loads main.js
//   open-page.mjs --command 'vite -p {port}' what a program serves
//   --query TEXT                             after the address
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { hasChromium, openProfile } from '../../../packages/testing/dist/chromium.js';
import { lastingPort } from '../../../packages/testing/dist/ports.js';

const LIMIT_MS = 90_000;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = '<!doctype html><meta charset="utf-8"><title>Rehearsal</title><script type="module" src="/main.js"></script>';

const { values } = parseArgs({
  options: { serve: { type: 'string' }, command: { type: 'string' }, query: { type: 'string', default: '' } },
});

/** Serves a folder. @returns `{ url, stop }` */
async function serve(folder) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const file = join(folder, path === '/' ? 'index.html' : path);
    const text = existsSync(file) ? readFileSync(file) : path === '/' ? PAGE : undefined;
    const type = path === '/' ? 'text/html' : (TYPES[extname(file)] ?? 'application/octet-stream');
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type }).end(text);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

/** Starts a program that serves a port. @returns `{ url, stop }` */
async function start(command) {
  const port = await lastingPort();
  const line = command.replaceAll('{port}', String(port));
  // In a group of its own, so that all of it can be stopped.
  const child = spawn(line, { shell: true, stdio: 'inherit', detached: true });
  const url = `http://127.0.0.1:${port}/`;
  const stop = () => process.kill(-child.pid, 'SIGTERM');
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; ) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stop();
  throw new Error(`${line} does not answer`);
}

if (!hasChromium()) {
  console.log('not here: Chromium');
} else {
  const site = await (values.serve === undefined ? start(values.command) : serve(values.serve));
  const profile = await openProfile();
  try {
    const page = await profile.context.newPage();
    page.on('console', (message) => console.log(`page: ${message.text()}`));
    page.on('pageerror', (error) => console.log(`page: ${error}`));
    await page.goto(`${site.url}${values.query && `?${values.query}`}`);
    const body = page.locator('[data-outcome]');
    await body.waitFor({ state: 'attached', timeout: LIMIT_MS });
    const outcome = await body.getAttribute('data-outcome');
    console.log(`did: ${outcome}`);
    if (outcome.startsWith('failed')) process.exitCode = 1;
  } finally {
    await profile.close();
    site.stop();
  }
}
