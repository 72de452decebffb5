import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
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
});
