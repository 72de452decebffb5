import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

describe.runIf(hasChromium())('a file', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const folder = temporaryDirectory(afterAll);
  let alice: Person;
  let bob: Person;

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
    await alice.addByPicture(await bob.cardPicture(), 'Bob');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  it('is sent, and saved by the other, byte for byte', async () => {
    const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31) % 253));
    const path = join(folder, 'sail plan.bin');
    await writeFile(path, content);
    await alice.page.getByLabel('File to send').setInputFiles(path);
    await alice.bubble('sail plan.bin').waitFor();
    await bob.go('#/');
    await bob.page.locator('details.requests > summary').click();
    await bob.page.locator('details.requests a.conversation').first().click();
    await bob.bubble('700 kB').waitFor();
    await inspect(bob.page, 'file');
    const [download] = await Promise.all([
      bob.page.waitForEvent('download'),
      bob.button('Save sail plan.bin').click(),
    ]);
    expect(download.suggestedFilename()).toBe('sail plan.bin');
    expect(Buffer.compare(await readFile(await download.path()), content)).toBe(0);
  });
});
