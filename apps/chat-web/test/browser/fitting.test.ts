import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('what is on the screen', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  /** At a desk, with a mouse. */
  let alice: Person;
  /** With a phone. */
  let bob: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    const arrive = async (options: Parameters<typeof openProfile>[0]) => {
      const profile = await openProfile(options);
      profiles.push(profile);
      const person = await Person.arrive(profile.context, site.url);
      await person.createAccount();
      return person;
    };
    alice = await arrive({ viewport: { width: 1280, height: 800 } });
    bob = await arrive({ viewport: { width: 390, height: 844 }, hasTouch: true });
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.write('the first');
    await bob.open('the first');
    await bob.button('Accept').click();
    await bob.write('the newest');
    await alice.bubble('the newest').waitFor();
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  it('shows all of the menu of the newest message, by mouse and by touch, whatever its size', async () => {
    for (const [person, width, height] of [
      [alice, 1280, 800],
      [alice, 390, 844],
      [alice, 390, 480],
      [bob, 390, 844],
    ] as const) {
      await person.page.setViewportSize({ width, height });
      const bubble = person.bubble('the newest');
      const button = bubble.getByRole('button', { name: 'Message menu' });
      if (person === bob) await button.tap();
      else {
        await bubble.hover();
        await button.click();
      }
      for (const part of ['button', 'dl']) {
        const last = bubble.locator(`.menu > ${part}`).last();
        await expect.poll(() => isOnTop(last), { message: `${part} at ${width} x ${height}` }).toBe(true);
      }
      await bubble.getByRole('button', { name: 'Delete here' }).click();
      const cancel = bubble.getByRole('alertdialog').getByRole('button', { name: 'Cancel' });
      await expect.poll(() => isOnTop(cancel)).toBe(true);
      await cancel.click();
      await person.page.keyboard.press('Escape');
      await bubble.locator('.menu').waitFor({ state: 'detached' });
    }
    await alice.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('never scrolls as a whole on the pages of persons and groups', async () => {
    await alice.link('Verify').click();
    await alice.page.getByRole('radio', { name: '30 seconds' }).check();
    await scrollsInPanes(alice);
    await alice.go('#/new/group');
    await alice.type('Name of the group', 'Friends');
    await alice.page.getByRole('checkbox', { name: /Bob/ }).check();
    await alice.button('Create').click();
    await alice.write('Hello friends');
    await alice.link('Details').click();
    await alice.page.getByRole('heading', { name: 'Members' }).waitFor();
    await scrollsInPanes(alice);
  });

  it('leaves the name of a person room on a phone, beside protection, timer and button', async () => {
    await alice.open('Bob');
    await alice.write('soon gone');
    await bob.open('soon gone');
    await bob.page.getByTitle(/^New messages disappear 30 seconds/).waitFor();
    await alice.page.setViewportSize({ width: 390, height: 844 });
    for (const person of [alice, bob]) {
      const { page } = person;
      await page.getByTitle(/^Each message has a key of its own/).waitFor();
      const title = page.locator('.titles > h1');
      expect(await title.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
      expect(await title.evaluate((one) => one.scrollHeight <= one.clientHeight + 1)).toBe(true);
      for (const badge of await page.locator('.titles .badge').all())
        await expect.poll(() => isOnTop(badge)).toBe(true);
    }
    await inspect(bob.page, 'header-with-timer');
  });
});

async function scrollsInPanes({ page }: Person): Promise<void> {
  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 600 },
  ]) {
    await page.setViewportSize(size);
    const high = await page.evaluate(() => (document.scrollingElement as Element).scrollHeight - innerHeight);
    expect(high).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Whether an element can be seen and pressed: all of it is in the window, and nothing lies over it. */
async function isOnTop(locator: Locator): Promise<boolean> {
  return locator.evaluate((one) => {
    const { top, right, bottom, left } = one.getBoundingClientRect();
    if (top < 0 || left < 0 || bottom > innerHeight || right > innerWidth) return false;
    const points = [left + 15, right - 15].flatMap((x) => [top + 8, bottom - 8].map((y) => [x, y] as const));
    return points.every(([x, y]) => one.contains(document.elementFromPoint(x, y)));
  });
}
