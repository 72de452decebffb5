import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { startNode } from './node.js';
import { Person } from './person.js';

/** Browsers close databases under pages, when they are short of something. The whole chat has to go on then. */
describe.runIf(hasChromium())('a database that the browser closed under the chat', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    const arrive = async () => {
      const profile = await openProfile();
      profiles.push(profile);
      await profile.context.addInitScript(() => {
        const opened: IDBDatabase[] = [];
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function (...args) {
          const request = open.apply(this, args);
          request.addEventListener('success', () => opened.push(request.result));
          return request;
        };
        Object.assign(globalThis, {
          closeDatabases() {
            for (const database of opened) database.close();
            return opened.splice(0).length;
          },
        });
      });
      return Person.arrive(profile.context, site.url);
    };
    [alice, bob] = [await arrive(), await arrive()];
    await alice.createAccount();
    await bob.createAccount();
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const closeDatabases = ({ page }: Person): Promise<number> =>
    page.evaluate(() => (globalThis as unknown as { closeDatabases(): number }).closeDatabases());

  it('reads, receives and sends as before, each time', async () => {
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.write('hello Bob');
    await bob.open('hello Bob');
    await bob.write('hello Alice');
    await alice.bubble('hello Alice').waitFor();
    for (const round of [1, 2, 3]) {
      expect(await closeDatabases(alice)).toBeGreaterThan(0);
      await bob.write(`from Bob ${round}`);
      await alice.bubble(`from Bob ${round}`).waitFor();
      await alice.write(`from Alice ${round}`);
      await bob.bubble(`from Alice ${round}`).waitFor();
      expect(await closeDatabases(alice)).toBeGreaterThan(0);
      // What was said before is read from the store.
      await alice.open('Bob');
      await alice.bubble('hello Bob').waitFor();
    }
  });
});
