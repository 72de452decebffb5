import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('the members of a group', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  let alice: Person;
  let bob: Person;
  let carol: Person;

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
    [alice, bob, carol] = [await arrive(), await arrive(), await arrive()];
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.addByPicture(await carol.cardPicture(), 'Carol');
    await alice.go('#/new/group');
    await alice.type('Name of the group', 'Mountain trip');
    for (const name of [/Bob/, /Carol/]) await alice.page.getByRole('checkbox', { name }).check();
    await alice.button('Create').click();
    await alice.write('Who brings the rope?');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const openMember = async (person: Person, name: RegExp) => {
    await person.open('Mountain trip');
    await person.link('Details').click();
    await person.page
      .getByRole('region', { name: /^Members/ })
      .getByRole('link', { name })
      .click();
  };
  /** Bob knows none of them: he sees Carol by a name that is made from her key. */
  let made: RegExp;

  it('who are strangers have names made from their keys', async () => {
    await bob.open('Mountain trip');
    await bob.bubble('Who brings the rope?').waitFor();
    await carol.open('Mountain trip');
    await carol.write('I do, says Carol.');
    const sender = bob.bubble('I do, says Carol.').locator('.sender');
    await sender.waitFor();
    const name = (await sender.textContent()) as string;
    expect(name).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+ \d\d$/);
    made = new RegExp(name);
    await bob.link('Details').click();
    await bob.see('Members (3)');
    await inspect(bob.page, 'members-of-three');
  });

  it('can be opened and added, which names them everywhere', async () => {
    await openMember(bob, made);
    await inspect(bob.page, 'member');
    await bob.type('Name, which only you see', 'Carol of the group');
    await bob.button('Add to contacts').click();
    await bob.page.getByRole('heading', { name: 'Carol of the group' }).waitFor();
    await bob.link('Back').click();
    await bob.see('Members (3)');
    await bob.link('Carol of the group').waitFor();
    await bob.link('Back').click();
    await bob.bubble('I do, says Carol.').locator('.sender', { hasText: 'Carol of the group' }).waitFor();
  });

  it('can be verified', async () => {
    await openMember(bob, /Carol of the group/);
    await bob.page.locator('.safety-number span').nth(11).waitFor();
    await bob.button('They are the same').click();
    await bob.see('✓ Verified');
    await bob.link('Back').click();
    await bob.page
      .locator('.who', { hasText: 'Carol of the group' })
      .getByTitle('Safety numbers compared')
      .waitFor();
  });

  it('can be written to alone', async () => {
    await openMember(bob, /Carol of the group/);
    await bob.link('Write a message').click();
    await bob.write('Between the two of us');
    await carol.open('Between the two of us');
    await carol.bubble('Between the two of us').waitFor();
    expect(await alice.page.getByText('Between the two of us').count()).toBe(0);
  });

  it('can be blocked, after a question: nothing of them arrives in the group either', async () => {
    await openMember(bob, /Carol of the group/);
    await bob.button('Block').click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).click();
    await bob.button('Unblock').waitFor();
    await carol.open('Mountain trip');
    await carol.write('Unheard by Bob');
    await alice.bubble('Unheard by Bob').waitFor();
    await alice.write('Heard by all');
    await bob.open('Mountain trip');
    await bob.bubble('Heard by all').waitFor();
    expect(await bob.page.getByText('Unheard by Bob').count()).toBe(0);
  });
});
