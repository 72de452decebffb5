import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultProvider } from '@sotto/crypto';
import { encodeContactCard, qrModules } from '@sotto/identity';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect as inspectPage } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

const crypto = defaultProvider();
const someone = encodeContactCard(crypto, { identity: crypto.secp256k1.generateKeyPair().publicKey });

describe.runIf(hasChromium())('the pages', () => {
  let node: NodeProcess;
  let site: Site;
  let profiles: Profile[];
  /** Pictures to scan. */
  const files = temporaryDirectory(afterAll);
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    profiles = await Promise.all([openProfile({}, await cameraShowing(someone, files)), openProfile()]);
    const [one, two] = profiles as [Profile, Profile];
    alice = await Person.arrive(one.context, site.url);
    bob = await Person.arrive(two.context, site.url);
  });
  afterAll(async () => {
    for (const profile of profiles ?? []) await profile.close();
    await site?.close();
    await node?.close();
  });

  const inspect = (name: string) => inspectPage(alice.page, name);

  it('to begin with', async () => {
    await inspect('welcome');
    await alice.button('I have recovery words').click();
    await alice.type('Recovery words', 'legal winer thank');
    await alice.button('Continue').click();
    await alice.see('Word 2 is not in the list');
    await inspect('recover');
    await alice.button('Back').click();
    await alice.button('I have a backup file').click();
    await inspect('restore');
    await alice.button('Back').click();
    await alice.button('Create an account').click();
    await inspect('words');
    await alice.button('Back').click();
    await alice.createAccount();
    await inspect('empty');
  });

  it('by keyboard alone: from the list to a message', async () => {
    await bob.createAccount();
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
    const { page } = alice;
    await page.setViewportSize({ width: 1180, height: 760 });
    await alice.go('#/');
    await page.locator('a.conversation').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Bob' }).waitFor();
    await alice.focusIsAt('TEXTAREA');
    await page.keyboard.type('Hi Bob, this is my first message.');
    await page.keyboard.press('Enter');
    await alice.bubble('Hi Bob, this is my first message.').waitFor();
    await alice.focusIsAt('TEXTAREA');
  });

  it('with people, a group and a public chat', async () => {
    await bob.open('my first message');
    await bob.write('So this works without any account at a company?');
    await alice.bubble('without any account').waitFor();
    await alice.write(
      'It does. Compare the safety number with me when we meet, then no one can be between us.',
    );
    await alice.go('#/new/chat');
    await alice.type('Name of the chat', 'sotto');
    await alice.button('Join').click();
    await alice.write('Hello, anyone here?');
    await inspect('public');
    await alice.go('#/new/group');
    await alice.type('Name of the group', 'Mountain trip');
    await alice.page.getByRole('checkbox', { name: /Bob/ }).check();
    await alice.button('Create').click();
    await alice.write('Who brings the rope?');
    await bob.open('Mountain trip');
    await bob.write('I do. And the soup.');
    await alice.bubble('the soup').waitFor();
    await inspect('group');
    await alice.link('Details').click();
    await alice.see('Members (2)');
    await inspect('members');
    await alice.open('Bob');
    await alice.bubble('no one can be between us').waitFor();
    await inspect('conversation');
    await alice.go('#/');
    await inspect('list');
    const settings = ['notifications', 'passphrase', 'backup', 'blocked', 'node', 'finding', 'browser'];
    const pages = ['card', 'devices', 'new', 'new/chat', 'new/group', 'settings'];
    for (const page of [...pages, ...settings.map((name) => `settings/${name}`)]) {
      await alice.go(`#/${page}`);
      if (page === 'card') await alice.page.locator('.qr').waitFor();
      await inspect(page.replace('/', '-'));
    }
  });

  it('everything as a text to read, after a question', async () => {
    await alice.go('#/settings/backup');
    await alice.button('Save as text').click();
    const question = alice.page.getByRole('alertdialog', { name: /Anyone who gets this file/ });
    const [download] = await Promise.all([
      alice.page.waitForEvent('download'),
      question.getByRole('button', { name: 'Save as text' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toContain('== Mountain trip ==');
    expect(text).toMatch(/Bob: .*without any account at a company/);
    expect(text).toMatch(/You: Who brings the rope\?/);
  });

  it('verification', async () => {
    await alice.open('Bob');
    await alice.link('Verify').click();
    await alice.page.locator('.safety-number span').nth(11).waitFor();
    await inspect('verify');
    await alice.button('They are different').click();
    await alice.see('The numbers are different.');
    await inspect('different');
    await alice.button('They are the same').click();
    await alice.see('✓ Verified');
  });

  it.each([
    ['hello!', /Was something else copied/],
    ['SOTTO:1/AAAA', /damaged/],
    ['zQ3shabc', /of this length|starts like a key/],
    [`0x04${'11'.repeat(64)}`, /This key does not exist/],
    [btoa('{"a":'), /not a valid contact card/],
  ])('pasted, %s is explained', async (text, sentence) => {
    await alice.go('#/new');
    await alice.type(/Or paste/, text);
    await alice.button('Read it').click();
    await alice.see(sentence);
  });

  it('a picture without a code, and a file that is no picture, are explained', async () => {
    await writeFile(join(files, 'no-picture.png'), 'hello');
    await alice.go('#/new');
    const input = alice.page.getByLabel('Picture with a QR code');
    await input.setInputFiles(join(files, 'no-picture.png'));
    await alice.see("This browser can't open this file");
    await writeFile(join(files, 'no-code.png'), await alice.page.screenshot());
    await input.setInputFiles(join(files, 'no-code.png'));
    await alice.see('No QR code was found');
  });

  it('the camera reads a card', async () => {
    await alice.go('#/');
    await alice.go('#/new');
    await alice.button('Use the camera').click();
    await alice.page.getByRole('img', { name: 'The picture of this key' }).waitFor();
    await inspect('found');
    await alice.type('Name', 'Bob');
    await alice.see('Another contact of yours has this name');
    await alice.button('Cancel').click();
  });

  it('a link with a card opens the page that adds it', async () => {
    await alice.go('#/');
    await alice.go(`#${someone}`);
    await alice.page.getByRole('img', { name: 'The picture of this key' }).waitFor();
  });

  it('locked, and a browser that lost its data', async () => {
    await alice.go('#/');
    await alice.button('Lock').click();
    await alice.page.getByRole('heading', { name: 'Locked' }).waitFor();
    await inspect('locked');
    await alice.page.goto('about:blank');
    const page = await alice.page.context().newPage();
    await page.goto(`${site.url}config.json`);
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          indexedDB.deleteDatabase('sotto:chat').onsuccess = resolve;
        }),
    );
    await page.close();
    await alice.page.goto(site.url);
    await alice.see('the browser has deleted its data');
  });
});

/** Arguments that make Chromium's fake camera show a QR code. */
async function cameraShowing(text: string, folder: string): Promise<readonly string[]> {
  const modules = qrModules(text);
  const [width, height] = [640, 480];
  const scale = Math.floor(height / modules.length);
  const luma = Buffer.alloc(width * height, 235);
  modules.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (!dark) return;
      for (let i = 0; i < scale; i++)
        luma.fill(16, (y * scale + i) * width + x * scale, (y * scale + i) * width + (x + 1) * scale);
    });
  });
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)]);
  const path = join(folder, 'camera.y4m');
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420mpeg2\n`);
  await writeFile(path, Buffer.concat([header, frame, frame]));
  return [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${path}`,
  ];
}
