import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('messages that disappear', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    const arrive = async () => {
      const profile = await openProfile({ viewport: { width: 1280, height: 800 } });
      profiles.push(profile);
      await profile.context.addInitScript(recordNotifications);
      const person = await Person.arrive(profile.context, site.url);
      await person.createAccount();
      return person;
    };
    [alice, bob] = [await arrive(), await arrive()];
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.write('Said for good');
    await bob.open('Said for good');
    await bob.button('Accept').click();
    await bob.button('Add to contacts').click();
    await bob.type('Name, which only you see', 'Alice');
    await bob.button('Add').click();
    await bob.page.getByRole('heading', { name: 'Alice' }).waitFor();
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const setTime = async (person: Person, name: string, words: string) => {
    await person.open(name);
    await person.link('Verify').click();
    await person.page.getByRole('radio', { name: words, exact: true }).check();
  };

  it('are set in the details, and both sides are told who did it', async () => {
    await setTime(alice, 'Bob', '5 minutes');
    await inspect(alice.page, 'disappearing');
    await alice.link('Back').click();
    await alice.see('You set new messages to disappear 5 minutes after they are read.');
    await bob.see('Alice set new messages to disappear 5 minutes after they are read.');
    for (const person of [alice, bob])
      await person.page.getByTitle('New messages disappear 5 minutes after they were read').waitFor();
  });

  it('say in how long they disappear', async () => {
    await alice.write('Within minutes');
    await alice
      .bubble('Within minutes')
      .getByTitle(/^Disappears at /)
      .waitFor();
    await bob
      .bubble('Within minutes')
      .getByTitle(/^Disappears at /)
      .waitFor();
    await inspect(bob.page, 'timers');
    expect(await bob.bubble('Said for good').locator('.timer').count()).toBe(0);
  });

  it('are gone from the conversation, the list and what was found; the others stay', async () => {
    await setTime(bob, 'Alice', '30 seconds');
    await bob.link('Back').click();
    await alice.see('Bob set new messages to disappear 30 seconds after they are read.');
    await bob.write('A secret of seconds');
    await alice.bubble('A secret of seconds').waitFor();
    await alice.page.locator('a.conversation .preview', { hasText: 'A secret of seconds' }).waitFor();
    await alice.type('Search', 'secret');
    await alice.see('1 message found');
    for (const person of [alice, bob]) {
      await person.bubble('A secret of seconds').waitFor({ state: 'detached', timeout: 60_000 });
      await person.seeNoMore('A secret of seconds');
    }
    await alice.type('Search', '');
    for (const person of [alice, bob]) {
      await person.page.locator('a.conversation').first().waitFor();
      expect(await person.page.getByText('A secret of seconds').count()).toBe(0);
      await person.bubble('Said for good').waitFor();
    }
  });

  it('are announced without their text, and taken back when they were read', async () => {
    const shown = () => alice.page.evaluate(() => (globalThis as unknown as { shown: unknown[] }).shown);
    await alice.go('#/settings/notifications');
    await alice.page.getByRole('radio', { name: 'Who wrote, and the text' }).check();
    await bob.write('Not for the lock screen');
    await expect.poll(shown, { timeout: 60_000 }).toEqual([['Bob', 'A new message']]);
    await alice.open('Bob');
    await alice.bubble('Not for the lock screen').waitFor();
    await expect.poll(shown, { timeout: 60_000 }).toEqual([]);
  });

  it('can be switched off again', async () => {
    await setTime(alice, 'Bob', 'Off');
    await alice.link('Back').click();
    await bob.see('Alice set new messages not to disappear any more.');
    await alice.write('To keep');
    await bob.bubble('To keep').waitFor();
    expect(await bob.bubble('To keep').locator('.timer').count()).toBe(0);
  });
});

/** Runs in the page before anything else: notifications that are shown are listed, and the user allows them. */
function recordNotifications(): void {
  const shown: { readonly words: unknown }[] = [];
  Object.defineProperty(globalThis, 'shown', { get: () => shown.map(({ words }) => words) });
  Object.assign(globalThis, {
    Notification: class {
      static permission = 'default';
      static async requestPermission(): Promise<string> {
        this.permission = 'granted';
        return 'granted';
      }
      readonly words: unknown;
      constructor(title: string, { body }: NotificationOptions) {
        this.words = [title, body];
        shown.push(this);
      }
      close() {
        const at = shown.indexOf(this);
        if (at >= 0) shown.splice(at, 1);
      }
    },
  });
}
