import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('what people show of themselves', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  let alice: Person;
  let bob: Person;
  let mallory: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    const arrive = async () => {
      const profile = await openProfile({ viewport: { width: 1280, height: 800 } });
      profiles.push(profile);
      const person = await Person.arrive(profile.context, site.url);
      await person.createAccount();
      return person;
    };
    [alice, bob, mallory] = [await arrive(), await arrive(), await arrive()];
    const card = await bob.cardPicture();
    for (const person of [alice, mallory]) await person.addByPicture(card, 'Bob');
    await bob.go('#/');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const setProfile = async (person: Person, name: string) => {
    await person.go('#/settings/profile');
    await person.type('Your name', name);
    await person.button('Save').click();
    await person.see('Saved.');
  };
  const portrait = (person: Person, title: string) =>
    person.page.locator('a.conversation', { hasText: title }).locator('img.identicon');
  const kindOf = (locator: ReturnType<typeof portrait>) =>
    locator.evaluate((img: HTMLImageElement) => img.src.slice(0, 15));

  it('is a name and a picture, which is cut and made small', async () => {
    const screenshot = await alice.page.screenshot();
    await alice.go('#/settings/profile');
    const input = alice.page.getByLabel('Picture of yourself');
    await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') });
    await alice.see("This browser can't open this file as a picture.");
    await input.setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: screenshot });
    await alice.page.getByRole('img', { name: 'Your own' }).waitFor();
    await setProfile(alice, 'Alice Liddell');
    await inspect(alice.page, 'profile');
    await expect
      .poll(() => kindOf(alice.page.locator('.me img')), { timeout: 60_000 })
      .toBe('data:image/webp');
    await alice.page.reload();
    await alice.unlock();
    await alice.go('#/settings/profile');
    await expect.poll(() => alice.page.getByLabel('Your name').inputValue()).toBe('Alice Liddell');
    await alice.page.getByRole('img', { name: 'Your own' }).waitFor();
  });

  it('comes with a message, marked as their own; the picture shows once they are accepted', async () => {
    await alice.open('Bob');
    await alice.write('Hello from me');
    await bob.open('Hello from me');
    await bob.page.getByRole('heading', { name: '~Alice Liddell' }).waitFor();
    expect(await kindOf(portrait(bob, '~Alice Liddell'))).toBe('data:image/svg+');
    await inspect(bob.page, 'request-with-name');
    await bob.button('Accept').click();
    await bob.see('The name above is what they call themselves.');
    await expect
      .poll(() => kindOf(portrait(bob, '~Alice Liddell')), { timeout: 60_000 })
      .toBe('data:image/webp');
  });

  it('gives way to the name that the user gives, and stays to be read', async () => {
    await bob.button('Add to contacts').click();
    const field = bob.page.getByLabel('Name, which only you see');
    await expect.poll(() => field.inputValue(), { timeout: 60_000 }).toBe('Alice Liddell');
    await field.fill('Alice from work');
    await bob.button('Add').click();
    await bob.page.getByRole('heading', { name: 'Alice from work' }).waitFor();
    await bob.link('Verify').click();
    await bob.see('Calls themselves');
    await inspect(bob.page, 'person-with-picture');
    await setProfile(alice, 'Alice in Wonderland');
    await alice.open('Bob');
    await alice.write('Under another name');
    await bob.see('Alice in Wonderland');
    await bob.page.getByRole('heading', { name: 'Alice from work' }).waitFor();
  });

  it('that takes the name of someone else whom the user knows is warned of', async () => {
    await setProfile(mallory, 'Alice from work');
    await mallory.open('Bob');
    await mallory.write('It is me, on a new phone');
    await bob.open('on a new phone');
    await bob.page.getByRole('heading', { name: '~Alice from work' }).waitFor();
    await bob.button('Accept').click();
    await bob.see('You know someone else by such a name:');
    await inspect(bob.page, 'same-name');
    await bob.button('Add to contacts').click();
    expect(await bob.page.getByLabel('Name, which only you see').inputValue()).toBe('');
  });
});
