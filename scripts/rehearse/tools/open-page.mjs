// Opens a page in Chromium, and waits for what it says of itself (shared/page.mjs).
//   open-page.mjs --serve FOLDER             the files of a folder; without index.html, a page that loads main.js
//   open-page.mjs --command 'vite -p {port}' what a program serves
//   --query TEXT                             after the address
//   --browser firefox                        in Firefox, where it is installed
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { hasChromium, openProfile } from '../../../packages/testing/dist/chromium.js';
import { freePort } from '../../../packages/testing/dist/ports.js';

const FIREFOX = '/usr/bin/firefox-esr';
const LIMIT_MS = 90_000;
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>Rehearsal</title><script type="module" src="/main.js"></script>';

const { values } = parseArgs({
  options: {
    serve: { type: 'string' },
    command: { type: 'string' },
    query: { type: 'string', default: '' },
    browser: { type: 'string' },
  },
});

/** Serves a folder. @returns `{ url, reported, stop }`; `reported` is what a page posts to it */
async function serve(folder) {
  let tell;
  const reported = new Promise((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const parts = await request.toArray();
      tell(Buffer.concat(parts).toString());
      response.end();
      return;
    }
    const path = new URL(request.url, 'http://localhost').pathname;
    const file = join(folder, path === '/' ? 'index.html' : path);
    const text = existsSync(file) ? readFileSync(file) : path === '/' ? PAGE : undefined;
    const type = path === '/' ? 'text/html' : (TYPES[extname(file)] ?? 'application/octet-stream');
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type }).end(text);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, reported, stop: () => server.close() };
}

/** Starts a program that serves a port. @returns `{ url, stop }` */
async function start(command) {
  const port = await freePort();
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

/** Opens the page in Chromium. @returns what it says of itself */
async function openInChromium(url) {
  const profile = await openProfile();
  try {
    const page = await profile.context.newPage();
    page.on('console', (message) => console.log(`page: ${message.text()}`));
    page.on('pageerror', (error) => console.log(`page: ${error}`));
    await page.goto(url);
    const body = page.locator('[data-outcome]');
    await body.waitFor({ state: 'attached', timeout: LIMIT_MS });
    return await body.getAttribute('data-outcome');
  } finally {
    await profile.close();
  }
}

/** Opens the page in Firefox, which has no driver here: the page tells the server of its folder. */
async function openInFirefox(url, reported) {
  const profile = mkdtempSync(join(tmpdir(), 'sotto-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', profile, url];
  const child = spawn(FIREFOX, args, {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, HOME: profile },
  });
  const ended = once(child, 'exit');
  try {
    const late = new Promise((resolve) =>
      setTimeout(resolve, LIMIT_MS, 'failed: the page has said nothing').unref(),
    );
    return await Promise.race([reported, late]);
  } finally {
    process.kill(-child.pid, 'SIGTERM');
    await ended;
    rmSync(profile, { recursive: true, force: true });
  }
}

const firefox = values.browser === 'firefox';
if (firefox ? !existsSync(FIREFOX) : !hasChromium()) {
  console.log(`not here: ${firefox ? FIREFOX : 'Chromium'} is not installed`);
} else {
  const site = await (values.serve === undefined ? start(values.command) : serve(values.serve));
  try {
    const url = `${site.url}${values.query && `?${values.query}`}`;
    const outcome = await (firefox ? openInFirefox(url, site.reported) : openInChromium(url));
    console.log(`did: ${outcome}`);
    if (outcome.startsWith('failed')) process.exitCode = 1;
  } finally {
    site.stop();
  }
}
