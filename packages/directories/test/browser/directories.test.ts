import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { encodeHex } from '@sotto/core';
import { bundlePage } from '@sotto/testing/bundle';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawBlockCid } from '../../src/ipns/names.js';
import { createIpnsRecord } from '../../src/ipns/record.js';
import { wellKnownPath } from '../../src/well-known.js';
import { bundleOf, crypto, HOUR, newIdentity, startServer } from '../support.js';
import type { Find } from './page.js';

describe.runIf(hasChromium())('in Chromium, on a page of another origin', () => {
  let profile: Profile;
  let script: string;
  beforeAll(async () => {
    profile = await openProfile();
    script = await bundlePage(fileURLToPath(new URL('page.ts', import.meta.url)));
  });
  afterAll(() => profile?.close());

  const alice = newIdentity();
  const old = bundleOf(alice, Date.now() - 2 * HOUR, 1);
  const bundle = bundleOf(alice, Date.now() - HOUR, 2);

  async function find(answer: (path: string, response: ServerResponse) => void) {
    const url = await startServer((request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      answer(request.url ?? '', response);
    });
    const home = await startServer(({ url: path }, response) => {
      const isScript = path === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(
        isScript
          ? script
          : '<!doctype html><title>Sotto</title><script type="module" src="/page.js"></script>',
      );
    });
    const page = await profile.context.newPage();
    try {
      await page.goto(home);
      return await page.evaluate(([at, key]) => (globalThis as unknown as { find: Find }).find(at, key), [
        url,
        encodeHex(alice.publicKey),
      ] as const);
    } finally {
      await page.close();
    }
  }

  it('bundles are found, the newest first', async () => {
    const record = createIpnsRecord(crypto, alice, {
      value: `/ipfs/${rawBlockCid(crypto, bundle)}`,
      sequence: 1n,
      validUntil: Date.now() + HOUR,
      ttlMs: 1000,
    });
    const answers = await find((path, response) => {
      if (path.startsWith('/ipns/')) response.end(record);
      else if (path.startsWith('/ipfs/')) response.end(bundle);
      else if (path === wellKnownPath(alice.publicKey)) response.end(old);
      else response.writeHead(404).end();
    });
    expect(answers).toEqual({ versions: [2, 1], failures: [] });
  });

  it('redirects are not followed, and what is too large is cut off', async () => {
    const answers = await find((path, response) => {
      if (path.startsWith('/ipns/')) response.writeHead(302, { location: path }).end();
      else response.end(new Uint8Array(5_000_000));
    });
    expect(answers.versions).toEqual([]);
    expect(answers.failures.toSorted()).toEqual([
      'ipns DIRECTORY_ANSWER_INVALID',
      'well-known LIMIT_EXCEEDED',
    ]);
  });
});
