import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConversations } from '@sotto/conversations';
import type { KeyPair } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { backupFileName, exportBackup } from '@sotto/messenger/backup';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import { repetitions } from '@sotto/testing/long';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import type { CDPSession } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { startNode } from './node.js';
import { PASSPHRASE, Person } from './person.js';

const crypto = defaultProvider();
const CHAT = { kind: 'public', name: 'long-history' } as const;
const OLD = 10_000;
const ARRIVING = repetitions(150, 500);

/**
 * What a long conversation costs the thread of the page. The numbers are printed and not asserted: the machine may be busy.
 * Aims: opening under 300 ms, a new message under 50 ms, no task over 50 ms when many arrive.
 */
describe.runIf(hasChromium())('a conversation of ten thousand messages', () => {
  let node: NodeProcess;
  let site: Site;
  let profile: Profile;
  let alice: Person;
  let devtools: CDPSession;
  const files = temporaryDirectory(afterAll);
  let bob: Awaited<ReturnType<typeof openBob>>;

  const openBob = async (identity: KeyPair) => {
    const store = createMemoryStore();
    const transport = createSealedTransport(createRelayCarrier({ url: node.relay }), { crypto });
    const messenger = await createMessenger({ identity, store, transport, crypto });
    const conversations = await createConversations({ messenger, store });
    await messenger.start();
    await conversations.open(CHAT);
    return { conversations, messenger };
  };

  /** Seconds that the page's thread has worked so far. */
  const worked = async (): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
  const longTasks = (): Promise<readonly number[]> =>
    alice.page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0));
  const report = (what: string, milliseconds: number, more = '') =>
    process.stderr.write(`      ${what}: ${milliseconds.toFixed(1)} ms ${more}\n`);

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    profile = await openProfile({ viewport: { width: 1280, height: 800 } });
    await profile.context.addInitScript(() => {
      const found: number[] = [];
      Object.assign(globalThis, { longTasks: found });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) found.push(duration);
      }).observe({ type: 'longtask' }); // cspell:disable-line
    });
    alice = await Person.arrive(profile.context, site.url);
    devtools = await profile.context.newCDPSession(alice.page);
    await devtools.send('Performance.enable');
    bob = await openBob(crypto.secp256k1.generateKeyPair());
  });
  afterAll(async () => {
    await bob?.conversations.close();
    await bob?.messenger.close();
    await profile?.close();
    await site?.close();
    await node?.close();
  });

  it('comes from a backup', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const store = createMemoryStore();
    const transport = createMemoryNetwork().transport();
    const messenger = await createMessenger({ identity, store, transport, crypto });
    const conversations = await createConversations({ messenger, store });
    await messenger.start();
    await conversations.open(CHAT);
    for (let i = 1; i <= OLD; i++) await conversations.send(CHAT, `old ${i} ${'and so on '.repeat(i % 12)}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of exportBackup({ store, identity, passphrase: PASSPHRASE, crypto }))
      chunks.push(Uint8Array.from(chunk));
    await conversations.close();
    await messenger.close();
    const file = join(files, backupFileName(identity));
    await writeFile(file, Buffer.concat(chunks));
    await alice.button('I have a backup file').click();
    await alice.page.getByLabel('Backup file').setInputFiles(file);
    await alice.type('Passphrase of the backup', PASSPHRASE);
    await alice.button('Restore').click();
    await alice.page.locator('a.conversation').waitFor({ timeout: 200_000 });
    await alice.seeNoMore('Connecting…');
  });

  it('opens at its end', async () => {
    await longTasks();
    const took = await alice.page.evaluate(async (last) => {
      const line = document.querySelector<HTMLElement>('a.conversation');
      const began = performance.now();
      line?.click();
      while (![...document.querySelectorAll('.bubble')].at(-1)?.textContent?.includes(last))
        await new Promise(requestAnimationFrame);
      return performance.now() - began;
    }, `old ${OLD}`);
    const tasks = await longTasks();
    report('opening', took, `(aim 300), long tasks: ${tasks.map(Math.round).join(', ') || 'none'}`);
    expect(await alice.page.locator('.bubble').count()).toBeLessThanOrEqual(200);
  });

  it('takes in a new message at the cost of one', async () => {
    const idle = async () => {
      const before = await worked();
      await alice.page.waitForTimeout(1_000);
      return 1_000 * ((await worked()) - before);
    };
    const nothing = await idle();
    await bob.conversations.send(CHAT, 'one alone');
    const something = await idle();
    await alice.bubble('one alone').waitFor();
    report(
      'a new message',
      something - nothing,
      `(aim 50), beside ${nothing.toFixed(1)} ms of a second without one`,
    );
  });

  it('scrolls back steadily', async () => {
    const costs: number[] = [];
    for (let i = 0; i < 12; i++) {
      const before = await worked();
      const shown = () => alice.page.locator('.bubble').first().getAttribute('data-number');
      const first = await shown();
      await alice.button('Earlier messages').press('Enter');
      await expect.poll(shown, { timeout: 60_000 }).not.toBe(first);
      await alice.page.waitForTimeout(100);
      costs.push(1_000 * ((await worked()) - before));
      expect(await alice.page.locator('.bubble').count()).toBeLessThanOrEqual(200);
    }
    report('a page further back', Math.max(...costs), `at most; first ${costs[0]?.toFixed(1)} ms`);
  });

  it('takes in many, none missing and none twice, with a full window', async () => {
    await alice.button(/To the end|new$/).click();
    await alice.bubble('one alone').waitFor();
    await longTasks();
    const before = await worked();
    for (let i = 1; i <= ARRIVING; i++) await bob.conversations.send(CHAT, `new ${i}`);
    // In a public chat, messages sent at once may overtake each other.
    const shown = alice.page.locator('.bubble > p');
    const summary = async () => {
      const texts = (await shown.allTextContents()).filter((text) => text.startsWith('new '));
      return [texts.length, new Set(texts).size];
    };
    const most = Math.min(ARRIVING, 200);
    await expect.poll(summary, { timeout: 200_000, interval: 500 }).toEqual([most, most]);
    await alice.page.waitForTimeout(500);
    const spent = (1_000 * ((await worked()) - before)) / ARRIVING;
    const tasks = await longTasks();
    report(
      `each of ${ARRIVING} new messages`,
      spent,
      `(aim 50), long tasks: ${tasks.map(Math.round).join(', ') || 'none'} (aim none)`,
    );
  });
});
