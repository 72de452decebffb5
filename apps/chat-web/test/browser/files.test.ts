import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import type { Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('a file', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const folder = temporaryDirectory(afterAll);
  let alice: Person;
  let bob: Person;
  /** Requests of Bob's for parts of files. */
  let fetched = 0;

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
    [alice, bob] = [await arrive(), await arrive()];
    bob.page.on('request', (request) => {
      if (request.url().includes('/blobs/')) fetched++;
    });
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const choose = ({ page }: Person, path: string) => page.getByLabel('File to send').setInputFiles(path);
  const save = async ({ page }: Person, press: () => Promise<void>) => {
    const [download] = await Promise.all([page.waitForEvent('download'), press()]);
    return { name: download.suggestedFilename(), content: await readFile(await download.path()) };
  };
  const frame = (person: Person, name: string) => person.button(`Open ${name}`);

  it('is chosen, can be taken away again, and sent with a text', async () => {
    const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31) % 253));
    const path = join(folder, 'sail plan.bin');
    await writeFile(path, content);
    await choose(alice, path);
    await alice.button('Remove sail plan.bin').click();
    await choose(alice, path);
    await alice.go('#/settings');
    await alice.open('Bob');
    await alice.button('Remove sail plan.bin').waitFor();
    await inspect(alice.page, 'file-chosen');
    await alice.send('For the weekend');
    await alice.bubble('sail plan.bin').getByTitle('Sent', { exact: true }).waitFor();
    await alice.page.locator('a.conversation .preview', { hasText: 'You: For the weekend' }).waitFor();
    expect(await alice.button('Remove sail plan.bin').count()).toBe(0);
  });

  it('arrives with its name, size and text, and is saved byte for byte when asked for', async () => {
    await bob.go('#/');
    await bob.page.locator('details.requests > summary').click();
    await bob.page.locator('details.requests a.conversation').first().click();
    await bob.bubble('700 kB').waitFor();
    await bob.bubble('For the weekend').waitFor();
    await inspect(bob.page, 'file');
    expect(fetched).toBe(0);
    const { name, content } = await save(bob, () => bob.button('Save sail plan.bin').click());
    expect(name).toBe('sail plan.bin');
    expect(Buffer.compare(content, await readFile(join(folder, name)))).toBe(0);
  });

  it('that was fetched once is not fetched again', async () => {
    const before = fetched;
    expect(before).toBeGreaterThan(0);
    await save(bob, () => bob.button('Save sail plan.bin').click());
    expect(fetched).toBe(before);
  });

  it('that is a picture of a stranger is neither fetched nor decoded before it is asked for', async () => {
    const before = fetched;
    await writeFile(join(folder, 'beach.jpg'), await photograph(alice, 1_600, 1_200));
    await choose(alice, join(folder, 'beach.jpg'));
    await alice.see('also tells where and when');
    await alice.button('Send').click();
    await frame(alice, 'beach.jpg').waitFor();
    await alice.page.locator('a.conversation .preview', { hasText: 'You: Picture' }).waitFor();
    await frame(bob, 'beach.jpg').waitFor();
    await bob.see('Show the picture');
    expect(await bob.page.locator('.picture-frame img').count()).toBe(0);
    expect(fetched).toBe(before);
  });

  it('that is a picture is small in its message, fills the screen when pressed, and can be saved', async () => {
    const before = fetched;
    await bob.button('Accept').click();
    await bob.page.locator('.picture-frame img').waitFor();
    expect(fetched).toBe(before);
    await inspect(bob.page, 'picture');
    await frame(bob, 'beach.jpg').click();
    const viewer = bob.page.getByRole('dialog', { name: 'beach.jpg' });
    const width = () => viewer.locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth);
    await viewer.getByRole('button', { name: 'Save' }).waitFor();
    await expect.poll(width, { timeout: 60_000 }).toBe(1_600);
    await inspect(bob.page, 'picture-open');
    const { name, content } = await save(bob, () => viewer.getByRole('button', { name: 'Save' }).click());
    expect(name).toBe('beach.jpg');
    expect(content.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    await bob.page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });
  });

  it('that is a photograph goes without its place and time, unless the original is wanted', async () => {
    expect((await readFile(join(folder, 'beach.jpg'))).includes('secret place')).toBe(true);
    const open = async (name: string) => {
      await frame(bob, name).click();
      const viewer = bob.page.getByRole('dialog', { name });
      const saved = await save(bob, () => viewer.getByRole('button', { name: 'Save' }).click());
      await viewer.getByRole('button', { name: 'Close' }).click();
      return saved.content;
    };
    expect((await open('beach.jpg')).includes('secret place')).toBe(false);
    const original = await photograph(alice, 400, 300);
    await writeFile(join(folder, 'original.jpg'), original);
    await choose(alice, join(folder, 'original.jpg'));
    await alice.page.getByRole('checkbox', { name: /Original file/ }).check();
    await alice.button('Send').click();
    await frame(bob, 'original.jpg').waitFor();
    expect(Buffer.compare(await open('original.jpg'), original)).toBe(0);
  });

  it('that is a very small picture is all in its message', async () => {
    const before = fetched;
    const dot = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    await writeFile(join(folder, 'dot.png'), dot);
    await choose(alice, join(folder, 'dot.png'));
    await alice.button('Send').click();
    await frame(bob, 'dot.png').click();
    const viewer = bob.page.getByRole('dialog', { name: 'dot.png' });
    const { content } = await save(bob, () => viewer.getByRole('button', { name: 'Save' }).click());
    expect(Buffer.compare(content, dot)).toBe(0);
    expect(fetched).toBe(before);
    await viewer.getByRole('button', { name: 'Close' }).click();
  });

  it('waits for a node that can not be reached, shows how far it is, and goes on when the page is loaded again', async () => {
    let allowed = 2;
    await alice.page.route('**/blobs/**', (route) => (allowed-- > 0 ? route.continue() : route.abort()));
    const path = join(folder, 'long.bin');
    await writeFile(path, Buffer.alloc(1_500_000, 7));
    await choose(alice, path);
    await alice.send('Slowly');
    await alice.see(/It goes on by itself\./);
    const progress = alice.page.getByRole('progressbar', { name: 'Sent of long.bin' });
    expect(await progress.evaluate((bar: HTMLProgressElement) => bar.position)).toBeGreaterThan(0.2);
    await inspect(alice.page, 'file-waiting');
    await alice.page.reload();
    await alice.unlock();
    await alice.open('Bob');
    await alice.see(/It goes on by itself\./);
    expect(await progress.evaluate((bar: HTMLProgressElement) => bar.position)).toBeGreaterThan(0.2);
    let sent = 0;
    await alice.page.unroute('**/blobs/**');
    alice.page.on('request', (request) => {
      if (request.method() === 'PUT' && request.url().includes('/blobs/')) sent++;
    });
    await bob.button('Save long.bin').waitFor();
    await bob.bubble('Slowly').waitFor();
    await progress.waitFor({ state: 'detached' });
    expect(await alice.bubble('Slowly').count()).toBe(1);
    // Of six parts, two were there already.
    expect(sent).toBe(4);
    const { content } = await save(bob, () => bob.button('Save long.bin').click());
    expect(Buffer.compare(content, await readFile(path))).toBe(0);
  });

  it('that the node refuses says why; it is tried again, or deleted', async () => {
    await alice.page.route('**/blobs/**', refuse);
    const path = join(folder, 'refused.bin');
    await writeFile(path, 'a few words');
    await choose(alice, path);
    await alice.button('Send').click();
    const bubble = alice.bubble('refused.bin');
    await bubble.getByText('This file cannot be fetched from, or stored in').waitFor();
    await inspect(alice.page, 'file-refused');
    await alice.page.unroute('**/blobs/**');
    await bubble.getByRole('button', { name: 'Try again' }).click();
    await bob.button('Save refused.bin').waitFor();
    await alice.page.route('**/blobs/**', refuse);
    await writeFile(join(folder, 'unwanted.bin'), 'a few other words');
    await choose(alice, join(folder, 'unwanted.bin'));
    await alice.button('Send').click();
    const unwanted = alice.bubble('unwanted.bin');
    await unwanted.getByRole('button', { name: 'Delete' }).click();
    await unwanted.waitFor({ state: 'detached' });
    await alice.page.unroute('**/blobs/**');
  });

  it('is cancelled while it is being sent', async () => {
    await alice.page.route('**/blobs/**', (route) => route.abort());
    await writeFile(join(folder, 'mistake.bin'), 'not for Bob');
    await choose(alice, join(folder, 'mistake.bin'));
    await alice.button('Send').click();
    await alice.button('Cancel mistake.bin').click();
    await alice.bubble('mistake.bin').waitFor({ state: 'detached' });
    await alice.page.unroute('**/blobs/**');
    await alice.page.reload();
    await alice.unlock();
    await alice.open('Bob');
    await alice.write('That was close.');
    await bob.bubble('That was close.').waitFor();
    for (const person of [alice, bob]) expect(await person.bubble('mistake.bin').count()).toBe(0);
  });

  it('that is too large is refused at once, with how large it may be', async () => {
    const path = join(folder, 'film.mkv');
    await writeFile(path, '');
    await truncate(path, 110 * 1_000_000);
    await choose(alice, path);
    await alice.see('“film.mkv” has 110 MB. Up to 105 MB can be sent at once.');
    expect(await alice.button('Remove film.mkv').count()).toBe(0);
  });
});

/** A node that takes no files. */
function refuse(route: Route): Promise<void> {
  return route.fulfill({ status: 413 }); // cspell:disable-line
}

/** A photograph as cameras make them: noise, and a note of where it was taken. */
async function photograph({ page }: Person, width: number, height: number): Promise<Buffer> {
  const encoded = await page.evaluate(
    async ([w, h]) => {
      const canvas = new OffscreenCanvas(w, h);
      const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
      const sky = context.createLinearGradient(0, 0, 0, h);
      for (const [at, colour] of [
        [0, '#3d7fb8'],
        [0.55, '#f3c98b'],
        [0.56, '#2d6a8c'],
        [0.8, '#d8c49a'],
      ] as const)
        sky.addColorStop(at, colour);
      context.fillStyle = sky;
      context.fillRect(0, 0, w, h);
      for (let i = 0; i < 20_000; i++) {
        context.fillStyle = `rgb(255 255 255 / ${(i % 17) / 100})`;
        context.fillRect((i * 7919) % w, (i * 104_729) % h, 6, 3);
      }
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    },
    [width, height] as const,
  );
  const picture = Buffer.from(encoded, 'base64');
  const note = Buffer.from('Exif\0\0secret place');
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, note.length + 2]), note]);
  return Buffer.concat([picture.subarray(0, 2), segment, picture.subarray(2)]);
}
