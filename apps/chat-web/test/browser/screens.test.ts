import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { PASSPHRASE, Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('what one expects of a chat', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const files = temporaryDirectory(afterAll);
  const arrive = async () => {
    const profile = await openProfile({ viewport: { width: 1280, height: 800 } });
    profiles.push(profile);
    const { context } = profile;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await context.addInitScript(recordNotifications);
    return Person.arrive(context, site.url);
  };
  let alice: Person;
  let bob: Person;
  /** The fragment of a link to Bob's card. */
  let card: string;

  const message = ({ page }: Person) => page.getByLabel('Message', { exact: true });
  const log = ({ page }: Person) => page.getByRole('log');
  /** Pixels between the bottom of what is shown and the end. */
  const below = (person: Person) =>
    log(person).evaluate((one) => one.scrollHeight - one.clientHeight - one.scrollTop);
  const isAtEnd = (person: Person) => expect.poll(() => below(person), { timeout: 60_000 }).toBeLessThan(40);

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

  it('a weak passphrase is refused, and a meter says how good it is', async () => {
    await bob.createAccount();
    await alice.button('Create an account').click();
    await alice.confirmWords();
    for (const weak of ['12345678', 'password', 'aaaaaaaaaaaaaa', 'abcdefghijkl']) {
      await alice.type('New passphrase', weak);
      await alice.type('Repeat it', weak);
      await alice.see(/Too easy to guess/);
      await alice.button('Open my account').click();
      await alice.page.getByRole('alert').filter({ hasText: 'Too easy to guess' }).waitFor();
    }
    await inspect(alice.page, 'passphrase-weak');
    await alice.type('New passphrase', 'four quite unrelated words');
    await alice.see(/^(Strong|Very strong)/);
    await alice.choosePassphrase('Open my account');
  });

  it('a link to a card, opened while the chat is open, adds in one step', async () => {
    await bob.go('#/card');
    await bob.button('Copy a link').click();
    const link = await bob.page.evaluate(() => navigator.clipboard.readText());
    card = new URL(link).hash;
    await alice.page.goto(link);
    await alice.type('Name', 'Bob');
    await alice.page.keyboard.press('Enter');
    await alice.page.getByRole('heading', { name: 'Bob' }).waitFor();
    expect(await message(alice).evaluate((area) => area === document.activeElement)).toBe(true);
  });

  it('a link that opened a second tab is shown in the tab that has the chat', async () => {
    await alice.go('#/');
    const tab = await Person.arrive(alice.page.context(), `${site.url}${card}`);
    await tab.see('The card is shown in your other tab.');
    await alice.button('Save and write').waitFor();
    await alice.see('Already one of your contacts.');
    await tab.page.close();
  });

  it('a draft is kept when one looks elsewhere, over a restart, and shown in the list', async () => {
    await alice.open('Bob');
    await message(alice).fill('I meant to say');
    await alice.go('#/settings');
    await alice.page.locator('a.conversation', { hasText: 'Draft: I meant to say' }).waitFor();
    await inspect(alice.page, 'draft');
    await alice.page.reload();
    await alice.unlock();
    await alice.open('Bob');
    expect(await message(alice).inputValue()).toBe('I meant to say');
    // Locked at once: nobody waits for a draft to be stored.
    await message(alice).pressSequentially('!');
    await alice.button('Lock').click();
    await alice.unlock();
    await alice.open('Bob');
    expect(await message(alice).inputValue()).toBe('I meant to say!');
    await message(alice).fill('I meant to say');
    await message(alice).press('Enter');
    await alice.bubble('I meant to say').waitFor();
    await alice.go('#/');
    await alice.open('Bob');
    expect(await message(alice).inputValue()).toBe('');
    expect(await alice.page.getByText('Draft:').count()).toBe(0);
  });

  it('a stranger has a short name, and can be added where they wrote', async () => {
    await bob.page.locator('details.requests > summary').click();
    const title = bob.page.locator('details.requests .title');
    expect(await title.textContent()).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+ \d\d$/);
    await title.click();
    await bob.button('Accept').click();
    await bob.button('Add to contacts').click();
    await inspect(bob.page, 'stranger');
    await bob.type('Name, which only you see', 'Alice');
    await bob.button('Add').click();
    await bob.page.getByRole('heading', { name: 'Alice' }).waitFor();
    await bob.seeNoMore('This person is not among your contacts.');
  });

  it('what is written is seen, wherever one has scrolled; the end is one press away', async () => {
    for (let i = 1; i <= 70; i++) await alice.send(`line ${i}`);
    await alice.bubble('line 70').waitFor();
    await isAtEnd(alice);
    await log(alice).evaluate((one) => one.scrollTo(0, one.scrollHeight / 3));
    await alice.button(/To the end/).waitFor();
    await inspect(alice.page, 'scrolled-back');
    await alice.button(/To the end/).click();
    await isAtEnd(alice);
    await log(alice).evaluate((one) => one.scrollTo(0, one.scrollHeight / 3));
    await alice.write('and this one');
    await isAtEnd(alice);
    expect(await alice.button(/To the end/).count()).toBe(0);
  });

  it('what comes while one reads further up is counted, and does not move what is read', async () => {
    await log(alice).evaluate((one) => one.scrollTo(0, one.scrollHeight / 3));
    await alice.button(/To the end/).waitFor();
    const place = () =>
      alice
        .bubble('line 40')
        .first()
        .evaluate((one) => one.getBoundingClientRect().top);
    const before = await place();
    await bob.open('Alice');
    for (const text of ['news one', 'news two']) await bob.write(text);
    await alice.button('2 new').waitFor();
    expect(Math.abs((await place()) - before)).toBeLessThan(2);
    await alice.button('2 new').click();
    await isAtEnd(alice);
    await alice.bubble('news two').waitFor();
    await alice.page.waitForFunction(() => document.title === 'Sotto');
  });

  it('earlier messages come above what is read, which keeps its place; the button is large enough', async () => {
    await alice.go('#/');
    await alice.open('Bob');
    await isAtEnd(alice);
    const box = await alice.button('Earlier messages').boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    const number = await log(alice).locator('.bubble').first().getAttribute('data-number');
    const first = log(alice).locator(`[data-number="${number}"]`);
    // As by the wheel: the page before is read when the beginning comes near.
    const before = await log(alice).evaluate((one) => {
      one.scrollTo(0, 0);
      return one.querySelector('.bubble')?.getBoundingClientRect().top;
    });
    await alice.bubble('I meant to say').waitFor({ state: 'attached' });
    const { top } = await first.evaluate((one) => one.getBoundingClientRect().toJSON() as DOMRect);
    expect(Math.abs(top - (before ?? 0))).toBeLessThan(2);
    await log(alice).evaluate((one) => one.scrollTo(0, 0));
    expect(await alice.button('Earlier messages').count()).toBe(0);
  });

  it('a line stands above what is new, and it is what one sees first', async () => {
    await alice.go('#/');
    for (let i = 1; i <= 30; i++) await bob.send(`unread ${i}`);
    await bob.bubble('unread 30').getByTitle('Sent', { exact: true }).waitFor();
    await alice.page.locator('a.conversation', { hasText: '30 unread' }).waitFor();
    await alice.open('Bob');
    const line = alice.page.locator('.new-line');
    await line.waitFor();
    const [top, first] = await Promise.all([
      line.boundingBox(),
      alice.bubble('unread 1').first().boundingBox(),
    ]);
    expect(top?.y).toBeLessThan(first?.y as number);
    expect(top?.y).toBeGreaterThan(60);
    await inspect(alice.page, 'new-messages');
    await alice.write('All of it was read.');
    await line.waitFor({ state: 'detached' });
  });

  it('in the list, a long name keeps its room beside what is said of it', async () => {
    await alice.link('Verify').click();
    const long = 'Bartholomew of the long name, who sails in the Western Isles';
    await alice.type('Name, which only you see', long);
    await alice.button('Rename').click();
    await alice.button('Mute').click();
    await alice.go('#/');
    for (let i = 1; i <= 3; i++) await bob.send(`to the long name ${i}`);
    const line = alice.page.locator('a.conversation', { hasText: '3 unread' });
    await line.waitFor();
    for (const width of [390, 1280]) {
      await alice.page.setViewportSize({ width, height: 800 });
      const [name, count, whole] = await Promise.all(
        ['.title', '.unread', ':scope'].map((part) => line.locator(part).first().boundingBox()),
      );
      expect(name?.width, `at ${width}`).toBeGreaterThan(160);
      expect((count?.x ?? 0) + (count?.width ?? 0)).toBeLessThanOrEqual(
        (whole?.x ?? 0) + (whole?.width ?? 0),
      );
    }
    await inspect(alice.page, 'long-name');
    await alice.open('Bartholomew');
    await alice.link('Verify').click();
    await alice.button('Unmute').click();
    await alice.type('Name, which only you see', 'Bob');
    await alice.button('Rename').click();
    await alice.link('Back').click();
    await alice.page.getByRole('heading', { name: 'Bob' }).waitFor();
  });

  it('days are headings, times are complete for programs, and messages of one person stand together', async () => {
    await log(alice).locator('.day time', { hasText: 'Today' }).waitFor();
    const times = await log(alice)
      .locator('.meta time')
      .evaluateAll((all) => all.map((one) => one.getAttribute('datetime')));
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:/);
    const classes = await alice.bubble('unread 15').getAttribute('class');
    expect(classes?.split(' ')).not.toContain('first');
    expect(classes?.split(' ')).not.toContain('last');
  });

  it('addresses are links that tell nothing, and nothing else is', async () => {
    await bob.write('See (https://example.org/a_(b)), javascript:alert(1) and https://user@evil.example.');
    const links = alice.bubble('See (https').getByRole('link');
    await links.first().waitFor();
    expect(await links.count()).toBe(1);
    expect(await links.first().textContent()).toBe('https://example.org/a_(b)');
    expect(await links.first().getAttribute('rel')).toBe('noopener noreferrer nofollow');
    expect(await links.first().getAttribute('target')).toBe('_blank');
  });

  it('copying takes what was written, without what is said of it', async () => {
    const copied = await alice.page.evaluate(() => {
      const bubble = [...document.querySelectorAll('.bubble')].find((one) =>
        one.textContent?.includes('unread 15'),
      );
      getSelection()?.selectAllChildren(bubble as Element);
      const text = getSelection()?.toString();
      getSelection()?.removeAllRanges();
      return text;
    });
    expect(copied?.trim()).toBe('unread 15');
  });

  it('the menu of a message copies its text, says when it came, and closes by keyboard', async () => {
    const bubble = alice.bubble('unread 15');
    await bubble.hover();
    await bubble.getByRole('button', { name: 'Message menu' }).click();
    await bubble.getByText('forward secrecy').waitFor();
    await inspect(alice.page, 'message-menu');
    await alice.page.keyboard.press('Escape');
    await bubble.getByText('forward secrecy').waitFor({ state: 'detached' });
    await bubble.getByRole('button', { name: 'Message menu' }).click();
    await bubble.getByRole('button', { name: 'Copy the text' }).click();
    expect(await alice.page.evaluate(() => navigator.clipboard.readText())).toBe('unread 15');
  });

  it('a message is deleted here, after a question', async () => {
    const bubble = alice.bubble('unread 17');
    await bubble.hover();
    await bubble.getByRole('button', { name: 'Message menu' }).click();
    await bubble.getByRole('button', { name: 'Delete here' }).click();
    await bubble.getByRole('alertdialog').getByRole('button', { name: 'Delete here' }).click();
    await bubble.waitFor({ state: 'detached' });
    await bob.bubble('unread 17').waitFor();
  });

  it('a text that is too long says by how many characters, before it is sent', async () => {
    await message(alice).fill('ö'.repeat(8 * 1024 + 7));
    await alice.see('Too long by 7 characters.');
    expect(await alice.button('Send').isDisabled()).toBe(true);
    await message(alice).press('Enter');
    expect((await message(alice).inputValue()).length).toBe(8 * 1024 + 7);
    await inspect(alice.page, 'too-long');
    await message(alice).fill('');
    await alice.seeNoMore(/Too long by/);
  });

  it('a message is found by its words, and shown where it stands', async () => {
    await alice.type('Search', '33 LINE');
    const results = alice.page.getByRole('list', { name: 'Messages found' }).getByRole('link');
    await alice.see('1 message found');
    await inspect(alice.page, 'search');
    await results.click();
    const found = log(alice).locator('.bubble', { hasText: 'line 33' });
    await found.waitFor();
    const [box, frame] = [await found.boundingBox(), await log(alice).boundingBox()];
    expect(box?.y).toBeGreaterThan((frame?.y ?? 0) - 1);
    expect(box?.y).toBeLessThan((frame?.y ?? 0) + (frame?.height ?? 0));
    await alice.type('Search', 'nothing like it');
    await alice.see('No messages found.');
    await alice.type('Search', '');
  });

  it('verification: the verdict is in view, and “different” is remembered until it is taken back', async () => {
    await alice.open('Bob');
    await alice.link('Verify').click();
    await alice.page.locator('.safety-number span').nth(11).waitFor();
    await alice.page.getByText('Compare by scanning').click();
    await alice.type('The number on the other device', '12345 '.repeat(12));
    await alice.button('Compare').click();
    const verdict = alice.page.getByText('The numbers are different.');
    await verdict.waitFor();
    await expect.poll(() => inView(verdict), { timeout: 60_000 }).toBe(true);
    await alice.link('Back').click();
    await alice.see('The safety numbers were different.');
    await alice.page.locator('a.conversation', { hasText: 'safety numbers differ' }).first().waitFor();
    await inspect(alice.page, 'mismatch');
    await alice.page.reload();
    await alice.unlock();
    await alice.open('Bob');
    await alice.see('The safety numbers were different.');
    await alice.link('Compare again').click();
    await alice.button('It was a mistake').click();
    await alice.see('Not compared yet.');
    await alice.link('Back').click();
    await alice.seeNoMore('The safety numbers were different.');
  });

  it('removing a contact is asked about; adding one again unlocks verification where one is', async () => {
    await alice.link('Verify').click();
    await alice.button('Remove from contacts').click();
    const question = alice.page.getByRole('alertdialog');
    await question.getByRole('button', { name: 'Cancel' }).click();
    await alice.button('Rename').waitFor();
    await alice.button('Remove from contacts').click();
    await question.getByRole('button', { name: 'Remove from contacts' }).click();
    await alice.button('Add to contacts').waitFor();
    await alice.type('Name, which only you see', 'Bob');
    await alice.button('Add to contacts').click();
    await alice.button('Rename').waitFor();
    await alice.button('They are the same').click();
    await alice.see('✓ Verified');
  });

  it('notifications are asked for in the settings, and show no more than was chosen', async () => {
    const shown = () => alice.page.evaluate(() => (globalThis as unknown as { shown: unknown[] }).shown);
    await alice.go('#/settings/notifications');
    await bob.write('before it was asked for');
    await alice.page.locator('a.conversation', { hasText: 'before it was asked for' }).waitFor();
    expect(await shown()).toEqual([]);
    await alice.page.getByRole('radio', { name: 'Who wrote', exact: true }).check();
    await inspect(alice.page, 'notifications');
    await bob.write('a secret');
    await expect.poll(shown, { timeout: 60_000 }).toEqual([['Bob', 'A new message']]);
    await alice.page.getByRole('radio', { name: 'Who wrote, and the text' }).check();
    await bob.write('no secret');
    await expect.poll(shown, { timeout: 60_000 }).toEqual([
      ['Bob', 'A new message'],
      ['Bob', 'no secret'],
    ]);
    await alice.open('Bob');
    await alice.link('Verify').click();
    await alice.button('Mute').click();
    await alice.button('Unmute').waitFor();
    await bob.write('quietly');
    await alice.page.locator('a.conversation', { hasText: 'quietly' }).waitFor();
    expect(await shown()).toHaveLength(2);
    await alice.button('Unmute').click();
  });

  it('changing the passphrase asks for the old one', async () => {
    await alice.go('#/settings/passphrase');
    await alice.type('Old passphrase', 'not the old one');
    await alice.choosePassphrase('Change it', 'some quite different words');
    await alice.see('The old passphrase is wrong.');
    await alice.type('Old passphrase', PASSPHRASE);
    await alice.choosePassphrase('Change it', 'some quite different words');
    await alice.see('Changed.');
    await alice.page.reload();
    await alice.unlock(PASSPHRASE);
    await alice.see('Wrong passphrase.');
    await alice.unlock('some quite different words');
    await alice.isOpen();
  });

  it('a device recovered from numbered words says that it is new, and what to do', async () => {
    const second = await arrive();
    const numbered = alice.words.split(' ').map((word, i) => `${i + 1}. ${word}`);
    await second.recover(numbered.join('\n'));
    await second.see('This device is new');
    await second.link('Pair the two').waitFor();
    await inspect(second.page, 'new-device');
    await alice.see('Another device has opened your account.');
    await second.page.reload();
    await second.unlock();
    await second.see('This device is new');
    await second.button('Understood').click();
    await second.seeNoMore('This device is new');
    await second.page.reload();
    await second.unlock();
    await second.isOpen();
    expect(await second.page.getByText('This device is new').count()).toBe(0);
    await second.page.close();
  });

  it('restoring from a wrong file says what the file is, and what it should be', async () => {
    const fresh = await arrive();
    await fresh.button('I have a backup file').click();
    const restore = async (name: string, content: string | Buffer) => {
      await writeFile(join(files, name), content);
      await fresh.page.getByLabel('Backup file').setInputFiles(join(files, name));
      await fresh.type('Passphrase of the backup', PASSPHRASE);
      await fresh.button('Restore').click();
    };
    await restore('card.png', await fresh.page.screenshot());
    await fresh.see(/This file is a picture.*Backups are called sotto-….backup\./);
    await inspect(fresh.page, 'wrong-file');
    await restore('notes.txt', 'My notes');
    await fresh.see(/This file is not a backup of Sotto\./);
    await restore('empty.backup', '');
    await fresh.see(/This file is empty\./);
    await restore('cut.backup', 'sotto backup\n and then nothing');
    await fresh.see(/This is not a backup, or it is damaged\./);
    await fresh.page.getByRole('heading', { name: 'Restore a backup' }).waitFor();
    await fresh.page.close();
  });

  it('a camera that is refused says so', async () => {
    await alice.page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    });
    await alice.go('#/new');
    await alice.button('Use the camera').click();
    await alice.see(/The browser does not let this page use the camera\./);
    expect(await alice.page.locator('video').count()).toBe(0);
    await inspect(alice.page, 'camera-refused');
  });

  it('can be installed, and opens without a network', async () => {
    const manifest = await alice.page.evaluate(async () => {
      const address = document.querySelector<HTMLLinkElement>('link[rel=manifest]')?.href ?? '';
      const { icons, start_url } = (await (await fetch(address)).json()) as {
        icons: { src: string }[];
        start_url: string;
      };
      const found = await Promise.all(
        icons.map(async ({ src }) => (await fetch(src)).headers.get('content-type')),
      );
      return { found, start_url };
    });
    expect(manifest).toEqual({
      found: ['image/svg+xml', 'image/png', 'image/png', 'image/png'],
      start_url: './',
    });
    await alice.page.evaluate(async () => void (await navigator.serviceWorker.ready));
    await site.close();
    await alice.page.reload();
    await alice.unlock('some quite different words');
    await alice.isOpen();
    await alice.open('Bob');
    await alice.bubble('quietly').waitFor();
  });
});

/** Whether all of an element is on the screen. */
async function inView(locator: ReturnType<Person['button']>): Promise<boolean> {
  return locator.evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
}

/** Runs in the page before anything else: notifications are recorded rather than shown, and the user allows them. */
function recordNotifications(): void {
  const shown: unknown[] = [];
  Object.assign(globalThis, {
    shown,
    Notification: class {
      static permission = sessionStorage.getItem('allowed') === null ? 'default' : 'granted';
      static async requestPermission(): Promise<string> {
        sessionStorage.setItem('allowed', 'yes');
        this.permission = 'granted';
        return 'granted';
      }
      constructor(title: string, { body }: NotificationOptions) {
        shown.push([title, body]);
      }
      close() {}
    },
  });
}
