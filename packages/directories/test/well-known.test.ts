import { directoryCases } from '@sotto/compliance/directory';
import { bundleTimestamp } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { createWellKnownDirectory, wellKnownPath } from '../src/well-known.js';
import { bundleMaker, bundleOf, codeOf, crypto, HOUR, NOW, newIdentity, startServer } from './support.js';

describe('a directory of files on a web server', () => {
  it.each(directoryCases({ publishes: false, interruptible: true }))('$name', async ({ run }) => {
    const files = new Map<string, Uint8Array>();
    let reachable = true;
    const url = await startServer(({ url: path = '' }, response) => {
      const file = files.get(path);
      if (!reachable) response.destroy();
      else if (file === undefined) response.writeHead(404).end('<html>not here</html>');
      else response.end(file);
    });
    await run({
      directory: () => createWellKnownDirectory({ crypto, url }),
      identity: newIdentity,
      bundle: bundleMaker(),
      firstSequence: bundleTimestamp(NOW - HOUR),
      async publish({ identity, bundle }) {
        files.set(wellKnownPath(identity.publicKey), bundle);
      },
      async interrupt() {
        reachable = false;
        return async () => {
          reachable = true;
        };
      },
    });
  });

  it('does not follow redirects, nor read more than a bundle, nor take an error for one', async () => {
    const alice = newIdentity();
    for (const [status, code] of [
      [301, 'DIRECTORY_ANSWER_INVALID'],
      [503, 'DIRECTORY_UNAVAILABLE'],
      [200, 'LIMIT_EXCEEDED'],
    ] as const) {
      const url = await startServer((_, response) =>
        response.writeHead(status, { location: '/' }).end(new Uint8Array(status === 200 ? 17_000 : 3)),
      );
      expect(await codeOf(createWellKnownDirectory({ crypto, url }).find(alice.publicKey))).toBe(code);
    }
  });

  it('takes a page that says "not found" for nothing, whatever its size', async () => {
    const url = await startServer((_, response) => response.writeHead(404).end(new Uint8Array(1_000_000)));
    expect(await createWellKnownDirectory({ crypto, url }).find(newIdentity().publicKey)).toEqual([]);
  });

  it('sends neither cookies nor where it was asked from', async () => {
    const asked: unknown[] = [];
    const directory = createWellKnownDirectory({
      crypto,
      url: 'https://example.org/base/',
      async fetch(url, { credentials, referrerPolicy, redirect }) {
        asked.push({ url, credentials, referrerPolicy, redirect });
        return new Response(new Uint8Array(bundleOf(alice)));
      },
    });
    const alice = newIdentity();
    await directory.find(alice.publicKey);
    expect(asked).toEqual([
      {
        url: `https://example.org/base${wellKnownPath(alice.publicKey)}`,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        redirect: 'manual',
      },
    ]);
  });
});
