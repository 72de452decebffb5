import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeHex } from '@sotto/core';
import { bundlePage } from '@sotto/testing/bundle';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crypto } from '../world.js';
import type { PageApi, ProviderName } from './page.js';

type Calls = {
  [Name in keyof PageApi]: (
    ...args: Parameters<PageApi[Name]>
  ) => Promise<Awaited<ReturnType<PageApi[Name]>>>;
};

describe.runIf(hasChromium())('in Chromium, on IndexedDB', () => {
  let profile: Profile;
  let script: string;
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? script : '<!doctype html><title>Sotto</title><script type="module" src="/page.js"></script>',
    );
  });
  beforeAll(async () => {
    script = await bundlePage(fileURLToPath(new URL('page.ts', import.meta.url)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    profile = await openProfile();
  });
  afterAll(async () => {
    await profile?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A tab with a device, which is there again after a reload. */
  async function newTab(name: string, provider: ProviderName) {
    const privateKey = encodeHex(crypto.secp256k1.generateKeyPair().privateKey);
    const page = await profile.context.newPage();
    const run = ([called, args]: readonly [string, readonly unknown[]]) =>
      (globalThis as unknown as { sotto: Record<string, (...args: readonly unknown[]) => unknown> }).sotto[
        called
      ]?.(...args);
    const call = new Proxy({} as Calls, {
      get:
        (_, called) =>
        (...args: readonly unknown[]) =>
          page.evaluate(run, [String(called), args] as const),
    });
    const open = () => call.open(name, privateKey, provider);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return {
      page,
      call,
      key: await open(),
      async reload() {
        await page.reload();
        await open();
      },
    };
  }

  it.each([
    ['portable', 'portable'],
    ['webassembly', 'webassembly'],
    ['portable', 'webassembly'],
  ] as const)(
    'a post-quantum session begins, and its messages are sealed, also after reloads: %s with %s',
    async (hers, his) => {
      const alice = await newTab(`alice ${hers} ${his}`, hers);
      const bob = await newTab(`bob ${hers} ${his}`, his);
      const say = async (from: typeof alice, to: typeof alice, text: string) => {
        const { message, signer, sent, sealed } = await from.call.write(to.key, text);
        expect(sent).toEqual(['pq']);
        expect(signer === from.key).toBe(!sealed);
        const read = await to.call.read(from.key, signer, message);
        expect(await to.call.read(from.key, signer, message)).toBe('DUPLICATE_MESSAGE');
        return read;
      };
      await alice.call.meet(await bob.call.bundle());
      expect(await say(alice, bob, 'first')).toBe('pq: first');
      expect(await say(bob, alice, 'answer')).toBe('pq sealed: answer');
      for (let turn = 0; turn < 4; turn++) {
        await (turn % 2 === 0 ? alice : bob).reload();
        expect(await say(alice, bob, `a${turn}`)).toBe(`pq sealed: a${turn}`);
        expect(await say(bob, alice, `b${turn}`)).toBe(`pq sealed: b${turn}`);
      }
      const lost = await alice.call.write(bob.key, 'late');
      expect(await say(alice, bob, 'overtakes')).toBe('pq sealed: overtakes');
      const changed = `${lost.message.slice(0, -2)}${lost.message.endsWith('00') ? '01' : '00'}`;
      expect(await bob.call.read(alice.key, lost.signer, changed)).toBe('MALFORMED_MESSAGE');
      expect(await bob.call.read(alice.key, lost.signer, lost.message)).toBe('pq sealed: late');
      for (const { page } of [alice, bob]) await page.close();
    },
  );
});
