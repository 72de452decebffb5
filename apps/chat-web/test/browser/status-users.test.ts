import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

describe.runIf(hasChromium())('two who want to talk with Status users', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  let alice: Person;
  let bob: Person;

  const arrive = async () => {
    const profile = await openProfile();
    profiles.push(profile);
    const person = await Person.arrive(profile.context, site.url);
    await person.createAccount();
    await person.go('#/settings/status');
    await person.page.getByRole('radio', { name: 'Yes Status today.' }).check();
    await person.button('Open it again now').click();
    await person.unlock();
    await person.isOpen();
    return person;
  };

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    [alice, bob] = [await arrive(), await arrive()];
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  it('read each other, and see that a message was delivered', async () => {
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.write('Hello in the words of Status');
    await bob.go('#/');
    await bob.open('Hello in the words of Status');
    await bob.button('Accept').click();
    await bob.write('Hello back');
    await alice.see('Hello back');
    const state = alice.bubble('Hello in the words of Status').locator('.state');
    await expect.poll(() => state.getAttribute('title'), { timeout: 60_000 }).toBe('Delivered');
  });

  const menuOf = async (person: Person, text: string) => {
    const bubble = person.bubble(text).first();
    await bubble.hover();
    await bubble.getByRole('button', { name: 'Message menu' }).click();
    return bubble;
  };

  it('react to each other, and take it back', async () => {
    const bubble = await menuOf(bob, 'Hello in the words of Status');
    await bubble.getByRole('button', { name: 'Laugh' }).click();
    await alice.page.getByTitle('Laugh: ').waitFor();
    await bob.page.getByTitle('Laugh: you').waitFor();
    await inspect(alice.page, 'reaction');
    const again = await menuOf(bob, 'Hello in the words of Status');
    await again.getByRole('button', { name: 'Laugh', pressed: true }).click();
    await expect.poll(() => alice.page.getByTitle('Laugh: ').count(), { timeout: 60_000 }).toBe(0);
  });

  it('reply to a message, and change what they wrote', async () => {
    await menuOf(bob, 'Hello in the words of Status').then((bubble) =>
      bubble.getByRole('button', { name: 'Reply' }).click(),
    );
    await bob.write('To this I say yes');
    const reply = alice.bubble('To this I say yes');
    await reply.locator('blockquote', { hasText: 'You Hello in the words of Status' }).waitFor();
    await menuOf(bob, 'To this I say yes').then((bubble) =>
      bubble.getByRole('button', { name: 'Edit' }).click(),
    );
    const area = bob.page.getByLabel('Message', { exact: true });
    await expect.poll(() => area.inputValue(), { timeout: 60_000 }).toBe('To this I say yes');
    await inspect(bob.page, 'editing');
    await bob.send('To this I say no');
    await alice.see('To this I say no');
    await alice.see('(edited)');
    await bob.write('A message of its own');
    await alice.bubble('A message of its own').waitFor();
    expect(await alice.bubble('A message of its own').locator('blockquote').count()).toBe(0);
  });

  it('delete what they wrote for both', async () => {
    const bubble = await menuOf(alice, 'Hello in the words of Status');
    await bubble.getByRole('button', { name: 'Delete for all' }).click();
    await bubble
      .getByRole('button', { name: /^(Delete for all|Yes|Delete)/ })
      .first()
      .click();
    await bob.see('Its author deleted this message.');
    await alice.see('Its author deleted this message.');
  });

  it('tell each other that they have read, once both want it', async () => {
    for (const person of [alice, bob]) {
      await person.go('#/settings/status');
      const box = person.page.getByRole('checkbox', { name: /^Read receipts/ });
      expect(await box.isChecked()).toBe(false);
      await box.check();
    }
    await inspect(bob.page, 'read-receipts');
    await alice.open('Bob');
    await alice.write('Have you read this?');
    await bob.open('Have you read this?');
    await bob.bubble('Have you read this?').waitFor();
    const state = alice.bubble('Have you read this?').locator('.state');
    await expect.poll(() => state.getAttribute('title'), { timeout: 60_000 }).toBe('Read');
  });
});
