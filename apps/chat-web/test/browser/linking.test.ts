import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { PASSPHRASE, Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('a new device', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const arrive = async () => {
    const profile = await openProfile({ viewport: { width: 1280, height: 800 } });
    profiles.push(profile);
    return Person.arrive(profile.context, site.url);
  };
  let alice: Person;
  let bob: Person;
  let laptop: Person;
  let code: string;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    [alice, bob, laptop] = [await arrive(), await arrive(), await arrive()];
    await alice.createAccount();
    await bob.createAccount();
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    await alice.write('Said before there was a laptop');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const showCode = async (person: Person) => {
    await person.button('I have another device').click();
    await person.choosePassphrase('Show the code');
    await person.page.getByRole('img', { name: 'Code of this device' }).waitFor();
    await person.page.getByText('The code as text').click();
    return (await person.page.locator('.link-code').textContent()) as string;
  };
  const readCode = async (person: Person, text: string) => {
    await person.go('#/devices');
    await person.type('Or paste the code', text);
    await person.button('Link').click();
  };

  it('shows a code, which stays the same when the page was closed meanwhile', async () => {
    const before = await showCode(laptop);
    await inspect(laptop.page, 'link-code');
    await laptop.page.reload();
    await laptop.unlock(PASSPHRASE);
    code = await showCode(laptop);
    expect(code).toBe(before);
  });

  it('is told apart from something else that was pasted', async () => {
    await readCode(alice, 'sotto-link:abc');
    await alice.page.getByRole('alert').filter({ hasText: 'not the code of a new device' }).waitFor();
    await inspect(alice.page, 'devices-link');
  });

  it('gets nothing when the user says no', async () => {
    await readCode(alice, code);
    await alice.see('Is it your new device');
    await inspect(alice.page, 'link-question');
    await alice.button('No').click();
    await alice.see('Linking was declined.');
    await laptop.see('Linking was ended on the other device.');
  });

  it('has contacts and messages when both were confirmed, and is paired', async () => {
    await laptop.choosePassphrase('Show the code');
    await laptop.page.getByText('The code as text').click();
    const next = (await laptop.page.locator('.link-code').textContent()) as string;
    expect(next).not.toBe(code);
    await readCode(alice, next);
    await alice.button('Yes, link it').click();
    await laptop.see('offers this account');
    await inspect(laptop.page, 'link-offer');
    await alice.see(/^Confirm on .* as well/);
    await inspect(alice.page, 'link-sending');
    const [offered, own] = [laptop, alice].map(({ page }) => page.locator('.offer'));
    expect(await offered?.locator('.key').textContent()).toMatch(/^zQ3sh\w{40,}$/);
    expect(await offered?.innerHTML()).toBe(await own?.innerHTML());
    await laptop.page.evaluate(() => {
      new MutationObserver(() => {
        if (document.body.innerText.includes('Another device has opened'))
          Object.assign(globalThis, { noticed: true });
      }).observe(document.body, { childList: true, subtree: true });
    });
    await laptop.button('Yes, it is my account').click();
    await laptop.isOpen();
    await alice.see(/ is linked\.$/);
    await laptop.open('Bob');
    await laptop.bubble('Said before there was a laptop').waitFor();
    await laptop.go('#/devices');
    await laptop.button('Unpair').waitFor();
    await alice.button('Unpair').waitFor();
    for (const person of [alice, laptop])
      expect(await person.page.getByText('Linking was interrupted').count()).toBe(0);
    expect(await laptop.page.evaluate(() => 'noticed' in globalThis)).toBe(false);
  });

  it('and the old one have what the other writes', async () => {
    await laptop.open('Bob');
    await laptop.write('Written on the laptop');
    await alice.open('Bob');
    await alice.bubble('Written on the laptop').waitFor();
    await alice.write('Written on the phone');
    await laptop.bubble('Written on the phone').waitFor();
  });

  it('and the old one agree on names, verification, mutes, drafts and what was read', async () => {
    const row = (person: Person, text: string) =>
      person.page.locator('a.conversation', { hasText: text }).first();
    await alice.link('Verify').click();
    await alice.type('Name, which only you see', 'Bob the builder');
    await alice.button('Rename').click();
    await row(laptop, 'Bob the builder').waitFor();
    await laptop.link('Verify').click();
    await laptop.page.locator('.safety-number span').nth(11).waitFor();
    await laptop.button('They are the same').click();
    await laptop.button('Mute').click();
    await alice.see('✓ Verified');
    await alice.button('Unmute').waitFor();
    await alice.link('Back').click();
    await laptop.go('#/');
    await alice.page.getByLabel('Message', { exact: true }).fill('Begun on the phone');
    await row(laptop, 'Draft: Begun on the phone').waitFor();
    await laptop.open('Bob the builder');
    const area = laptop.page.getByLabel('Message', { exact: true });
    await expect.poll(() => area.inputValue(), { timeout: 60_000 }).toBe('Begun on the phone');
    await area.press('Enter');
    await alice.bubble('Begun on the phone').waitFor();
    await expect
      .poll(() => alice.page.getByLabel('Message', { exact: true }).inputValue(), { timeout: 60_000 })
      .toBe('');
    for (const person of [alice, laptop]) await person.go('#/');
    await bob.open('Begun on the phone');
    await bob.button('Accept').click();
    await bob.write('Read on one of them');
    for (const person of [alice, laptop]) await row(person, '1 unread').waitFor();
    await alice.open('Bob the builder');
    await row(laptop, '1 unread').waitFor({ state: 'detached' });
  });

  it('and the old one are listed by name, with what unpairing does and does not do', async () => {
    for (const person of [alice, laptop]) {
      await person.go('#/devices');
      const other = person.page.getByRole('region', { name: 'Paired with it' }).getByRole('listitem');
      await other.getByText(/^Chrome on Linux$/).waitFor();
    }
    await alice.page.getByText('Rename', { exact: true }).click();
    await alice.type('Name of this device', 'The laptop');
    await alice.button('Save').click();
    await alice.page.getByRole('listitem').getByText('The laptop', { exact: true }).waitFor();
    await alice.button('Unpair').click();
    const question = alice.page.getByRole('alertdialog', { name: /It keeps what it has/ });
    await inspect(alice.page, 'unpair');
    await question.getByRole('button', { name: 'Unpair' }).click();
    await alice.see('None. What you write is only on this device.');
    await alice.open('Bob');
    await alice.write('Not for the laptop');
    await bob.bubble('Not for the laptop').waitFor();
    expect(await laptop.page.getByText('Not for the laptop').count()).toBe(0);
  });

  it('is listed as unpaired when it comes back, without a notice, until the user pairs it again', async () => {
    await laptop.page.getByText('Pair without a code').click();
    await laptop.button('Announce this device to my other devices').click();
    const unpaired = alice.page.getByRole('region', { name: 'Unpaired' });
    for (const when of ['at once', 'after loading the page again']) {
      if (when !== 'at once') {
        await alice.page.reload();
        await alice.unlock();
      }
      await alice.go('#/devices');
      await unpaired.getByRole('button', { name: 'Pair again' }).waitFor();
      await inspect(alice.page, 'unpaired');
      await alice.go('#/');
      await alice.link('My card').waitFor();
      expect(await alice.page.getByText('Another device has opened your account').count(), when).toBe(0);
      expect(await alice.page.getByText('waiting to be paired').count(), when).toBe(0);
    }
    await alice.go('#/devices');
    await unpaired.getByRole('button', { name: 'Pair again' }).click();
    await alice.button('Unpair').waitFor();
    expect(await unpaired.count()).toBe(0);
    await alice.button('Unpair').click();
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Unpair' }).click();
    await alice.see('None. What you write is only on this device.');
  });

  it('can be given up when linking it was interrupted, and a backup made meanwhile does not ask to go on', async () => {
    const tablet = await arrive();
    await readCode(alice, await showCode(tablet));
    await alice.see('Is it your new device');
    await alice.page.reload();
    await alice.unlock();
    await alice.go('#/settings/backup');
    await alice.button('Make a backup').click();
    const saved = alice.page.waitForEvent('download');
    await alice.choosePassphrase('Save the backup');
    const backup = await (await saved).path();
    await alice.go('#/devices');
    const interrupted = alice.page.getByRole('region', { name: 'Linking was interrupted' });
    await interrupted.getByRole('button', { name: 'Go on with it' }).waitFor();
    await inspect(alice.page, 'link-interrupted');
    await interrupted.getByRole('button', { name: 'Cancel' }).click();
    await interrupted.waitFor({ state: 'detached' });
    await alice.page.reload();
    await alice.unlock();
    await alice.isOpen();
    await alice.button('Link').waitFor();
    expect(await interrupted.count()).toBe(0);

    await tablet.button('Cancel').click();
    await tablet.button('I have a backup file').click();
    await tablet.page.getByLabel('Backup file').setInputFiles(backup);
    await tablet.type('Passphrase of the backup', PASSPHRASE);
    await tablet.button('Restore').click();
    await tablet.isOpen();
    await tablet.go('#/devices');
    await tablet.page.getByText('Pair without a code').click();
    await tablet.button('Announce this device to my other devices').click();
    await tablet.button('Announce this device to my other devices').isEnabled();
    expect(await tablet.page.getByText('Linking was interrupted').count()).toBe(0);
  });
});
