import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveBelow, siteFiles } from '../static-site.js';
import { startNode } from './node.js';
import { Person } from './person.js';

/** As a gateway of IPFS serves a folder. */
const PATH = '/ipfs/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/';

describe.runIf(hasChromium())('as static files below a path, from a server that knows nothing of it', () => {
  let node: NodeProcess;
  let site: Awaited<ReturnType<typeof serveBelow>>;
  let profiles: Profile[];
  let alice: Person;
  let bob: Person;
  /** What the pages have asked for, other than the site, and what they were refused. */
  const strayed: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    node = await startNode();
    site = await serveBelow(PATH, siteFiles(node.relay));
    profiles = [await openProfile(), await openProfile()];
    const [one, two] = profiles as [Profile, Profile];
    // Bob's browser has no workers: proof of work and pictures are done on the page.
    await two.context.addInitScript('delete globalThis.Worker');
    for (const { context } of profiles) {
      context.on('request', (request) => {
        if (/^https?:/.test(request.url()) && !request.url().startsWith(site.url))
          strayed.push(request.url());
      });
      context.on('response', (response) => {
        if (response.status() >= 400) strayed.push(`${response.status()} ${response.url()}`);
      });
      context.on('console', (message) => {
        if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
      });
    }
    alice = await Person.arrive(one.context, site.url);
    bob = await Person.arrive(two.context, site.url);
  });
  afterAll(async () => {
    for (const profile of profiles ?? []) await profile.close();
    site?.close();
    await node?.close();
  });

  it('two people find each other and talk, one of them without workers', async () => {
    await alice.createAccount();
    await bob.createAccount();
    await bob.addByPicture(await alice.cardPicture(), 'Alice');
    await bob.write('hello from a folder');
    await bob.bubble('hello from a folder').getByTitle('Sent', { exact: true }).waitFor();
    await alice.open('hello from a folder');
    await alice.write('hello, you without workers');
    await bob.bubble('hello, you without workers').waitFor();
  });

  it('pages are in the fragment: one that is loaded anew, or sent as a link, is the same page', async () => {
    await alice.go('#/settings');
    await alice.page.reload();
    await alice.unlock();
    await alice.page.getByRole('heading', { name: 'Settings' }).waitFor();
    const { pathname, hash } = new URL(alice.page.url());
    expect([pathname, hash]).toEqual([PATH, '#/settings']);
  });

  it('a second tab says so, and takes over when asked', async () => {
    const [{ context }] = profiles as [Profile];
    const second = await Person.arrive(context, site.url);
    await second.see('Open in another tab');
    await second.button('Use them here').click();
    await second.unlock();
    await second.isOpen();
    await alice.see('Open in another tab');
    await second.page.close();
  });

  it('asks nobody but the folder and the node, and breaks none of its own rules', () => {
    expect(strayed).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
