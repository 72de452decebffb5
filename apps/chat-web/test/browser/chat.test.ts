import { rm } from 'node:fs/promises';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { startNode } from './node.js';
import { PASSPHRASE, Person } from './person.js';

const PHONE = { viewport: { width: 390, height: 844 } };

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('two people, two browsers', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const newProfile = async (...options: Parameters<typeof openProfile>) => {
    const profile = await openProfile(...options);
    profiles.push(profile);
    return profile.context;
  };
  let alice: Person;
  let laptop: Person;
  let bob: Person;
  let backup: string;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    alice = await Person.arrive(await newProfile(PHONE), site.url);
    bob = await Person.arrive(await newProfile(), site.url);
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  it('create accounts: the words are shown once, and asked for', async () => {
    await alice.button('Create an account').click();
    await alice.button('I have written them down').click();
    await alice.button('Continue').waitFor();
    for (const field of await alice.page.getByRole('textbox').all()) await field.fill('wrong');
    await alice.button('Continue').click();
    await alice.see(/Wrong word/);
    await alice.button('Show the words again').click();
    await alice.button('Back').click();
    await alice.createAccount();
    await bob.createAccount();
    expect(alice.words).not.toBe(bob.words);
  });

  it('the first message waits for someone who is offline, and is answered', async () => {
    const picture = await bob.cardPicture();
    await bob.page.goto('about:blank');
    await alice.addByPicture(picture, 'Bob');
    await alice.write('hello Bob');
    await alice.bubble('hello Bob').getByTitle('Sent', { exact: true }).waitFor();
    await alice.see('Forward secrecy'); // the card had a bundle
    await bob.page.goto(site.url);
    await bob.unlock();
    await bob.open('hello Bob');
    await bob.see('Message request.');
    await bob.write('hello you');
    await bob.see('This person is not among your contacts.');
    await alice.bubble('hello you').waitFor();
    await bob.see('Forward secrecy');
  });

  it('unread messages are counted until they are seen', async () => {
    await alice.go('#/');
    await bob.write('one');
    await bob.write('two');
    await alice.page.locator('a.conversation', { hasText: '2 unread' }).waitFor();
    await alice.page.waitForFunction(() => document.title === '(2) Sotto');
    await alice.open('Bob');
    await alice.bubble('two').waitFor();
    await alice.page.waitForFunction(() => document.title === 'Sotto');
  });

  it('verify: the same number on both sides, and told when it breaks', async () => {
    for (const person of [alice, bob]) await person.link('Verify').click();
    await bob.type('Name, which only you see', 'Alice');
    await bob.button('Add to contacts').click();
    const numbers = [];
    for (const person of [alice, bob]) {
      await person.page.locator('.safety-number span').nth(11).waitFor();
      numbers.push((await person.page.locator('.safety-number').textContent())?.trim());
    }
    expect(numbers[0]).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(numbers[1]).toBe(numbers[0]);
    await alice.button('They are the same').click();
    await alice.see('✓ Verified');
    // Typed in from the other screen.
    await bob.page.getByText('Compare by scanning').click();
    await bob.type('The number on the other device', numbers[0] as string);
    await bob.button('Compare').click();
    await bob.see('✓ Verified');
    await bob.type('The number on the other device', '12345 '.repeat(12));
    await bob.button('Compare').click();
    await bob.see('The numbers are different.');
    await bob.seeNoMore('✓ Verified');
    // Photographed from the other screen.
    await alice.page.getByText('Compare by scanning').click();
    const photo = await alice.page.getByRole('img', { name: 'The safety number as a QR code' }).screenshot();
    await bob.page
      .getByLabel('Picture with a QR code')
      .setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: photo });
    await bob.see('✓ Verified');
    await bob.seeNoMore('The numbers are different.');
  });

  it('a card of someone else is told from the one expected', async () => {
    const own = await alice.cardPicture();
    await alice.open('Bob');
    await alice.link('Verify').click();
    await alice.page.getByText('Compare by scanning').click();
    await alice.page.getByLabel('Picture with a QR code').setInputFiles(own);
    await alice.see('it belongs to someone else');
    await alice.see('The numbers are different.');
    await alice.seeNoMore('✓ Verified');
  });

  it('talk in a private group: members, administrators, leaving', async () => {
    await alice.go('#/new/group');
    await alice.type('Name of the group', 'Mountain trip');
    await alice.page.getByRole('checkbox', { name: /Bob/ }).check();
    await alice.button('Create').click();
    await alice.write('who brings the rope?');
    await bob.open('Mountain trip');
    await bob.bubble('who brings the rope?').waitFor();
    await bob.write('I do');
    await alice.bubble('I do').waitFor();
    await alice.link('Details').click();
    await alice.page.locator('.member-menu > summary', { hasText: 'Bob' }).click();
    await alice.button('Make an administrator').click();
    await alice.button('Remove as administrator').waitFor();
    await bob.link('Details').click();
    await bob.type('Name of the group', 'Hut trip');
    await bob.button('Rename').click();
    await alice.link('Back').click();
    await alice.see('The group is called “Hut trip”.');
    await bob.button('Leave the group').click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Leave the group' }).click();
    await alice.see('Left: Bob.');
    await bob.link('Back').click();
    await bob.see('You are not a member of this group');
  });

  it('talk in a public chat, which says that it is public', async () => {
    for (const person of [alice, bob]) {
      await person.go('#/new/chat');
      await person.type('Name of the chat', 'sotto-test');
      await person.button('Join').click();
      await person.page.getByRole('main').getByText('Public', { exact: true }).waitFor();
    }
    await bob.write('hello everyone');
    await alice.bubble('hello everyone').waitFor();
  });

  it('pair a second device, recovered from the words', async () => {
    laptop = await Person.arrive(await newProfile(), site.url);
    await laptop.recover(`  ${alice.words.toUpperCase().replaceAll(' ', '\n')} `);
    await alice.go('#/devices');
    await alice.button('Pair').click();
    await laptop.go('#/devices');
    await laptop.button('Pair').click();
    for (const person of [alice, laptop]) await person.button('Unpair').waitFor();
    await alice.open('Bob');
    await alice.write('from the phone');
    await laptop.open('from the phone');
    await laptop.bubble('from the phone').waitFor();
    await bob.open('Alice');
    await bob.write('to both');
    for (const person of [alice, laptop]) await person.bubble('to both').waitFor();
  });

  it('lock, and open with the passphrase alone', async () => {
    await alice.page.reload();
    await alice.page.getByRole('heading', { name: 'Locked' }).waitFor();
    expect(await alice.page.getByText('to both').count()).toBe(0);
    await alice.unlock('not the passphrase');
    await alice.see('Wrong passphrase.');
    await alice.unlock();
    await alice.open('Bob');
    await alice.bubble('hello you').waitFor();
    await alice.go('#/');
    await alice.button('Lock').click();
    await alice.page.getByRole('heading', { name: 'Locked' }).waitFor();
    await alice.unlock();
    await alice.isOpen();
  });

  it('a second tab says so, and can take over', async () => {
    const tab = await Person.arrive(alice.page.context(), site.url);
    await tab.page.getByRole('heading', { name: 'Open in another tab' }).waitFor();
    await tab.button('Use them here').click();
    await alice.page.getByRole('heading', { name: 'Open in another tab' }).waitFor();
    await tab.unlock();
    await tab.open('Bob');
    await tab.write('from the other tab');
    await bob.bubble('from the other tab').waitFor();
    await alice.page.close();
    tab.words = alice.words;
    alice = tab;
  });

  it('offline is shown, what is written waits, and goes out when the node is back', async () => {
    await node.stop();
    await alice.see(/^Offline/);
    await alice.write('written offline');
    await alice.bubble('written offline').getByTitle('Waiting to be sent').waitFor();
    await node.start();
    await alice.bubble('written offline').getByTitle('Sent', { exact: true }).waitFor();
    await bob.bubble('written offline').waitFor();
    await alice.seeNoMore(/^Offline/);
  });

  it('opens without a network at all', async () => {
    await node.stop();
    await alice.page.reload();
    await alice.unlock();
    await alice.see(/^Offline/);
    await alice.open('Bob');
    await alice.bubble('written offline').waitFor();
    await node.start();
    await alice.seeNoMore(/^Offline/);
  });

  it('a backup moves everything, and a wrong passphrase for it is told', async () => {
    await alice.go('#/settings/backup');
    await alice.button('Make a backup').click();
    const saved = alice.page.waitForEvent('download');
    await alice.choosePassphrase('Save the backup', 'a passphrase for backups');
    backup = await (await saved).path();
    await alice.see(/Saved \d+ records/);

    const fresh = await Person.arrive(await newProfile(), site.url);
    await fresh.button('I have a backup file').click();
    await fresh.page.getByLabel('Backup file').setInputFiles(backup);
    await fresh.type('Passphrase of the backup', PASSPHRASE);
    await fresh.button('Restore').click();
    await fresh.see('Wrong passphrase.');
    await fresh.page.getByLabel('Backup file').setInputFiles(backup);
    await fresh.type('Passphrase of the backup', 'a passphrase for backups');
    await fresh.button('Restore').click();
    await fresh.isOpen();
    await fresh.open('Bob');
    await fresh.bubble('written offline').waitFor();
    await fresh.write('from the restored device');
    await bob.bubble('from the restored device').waitFor();
    await rm(backup);
  });

  it('the account can be deleted from a browser, which begins anew then', async () => {
    await laptop.go('#/settings/browser');
    await laptop.button('Delete the account from this browser').click();
    await laptop.page
      .getByRole('alertdialog')
      .getByRole('button', { name: 'Delete the account from this browser' })
      .click();
    await laptop.page.getByRole('heading', { name: 'Welcome to Sotto' }).waitFor();
    expect(await laptop.page.getByText('the browser has deleted').count()).toBe(0);
  });
});
