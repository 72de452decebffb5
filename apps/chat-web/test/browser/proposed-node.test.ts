import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { startNode } from './node.js';
import { Person } from './person.js';

describe.runIf(hasChromium())('a link that proposes another node', () => {
  let own: NodeProcess;
  let other: NodeProcess;
  let site: Site;
  let profile: Profile;
  let alice: Person;
  /** Hosts of nodes that the page has opened a WebSocket to. */
  const connected = new Set<string>();

  beforeAll(async () => {
    [own, other] = await Promise.all([startNode(), startNode()]);
    site = await serveSite({ node: own.relay });
    profile = await openProfile();
    alice = await Person.arrive(profile.context, site.url);
    alice.page.on('websocket', (socket) => connected.add(new URL(socket.url()).host));
  });
  afterAll(async () => {
    await profile?.close();
    await site?.close();
    await own?.close();
    await other?.close();
  });

  /** Opens the page anew. */
  const load = async (url: string) => {
    await alice.page.goto('about:blank');
    connected.clear();
    await alice.page.goto(url);
  };
  const follow = (node: string) => load(`${site.url}?node=${encodeURIComponent(node)}#/settings`);
  const connectsTo = (node: NodeProcess) =>
    expect.poll(() => [...connected], { timeout: 60_000 }).toEqual([hostOf(node)]);
  const hostOf = (node: NodeProcess) => new URL(node.relay).host;
  const address = () => alice.page.evaluate(() => location.search + location.hash);

  it('changes nothing before it is answered, shows the host, and is not asked again once declined', async () => {
    await alice.createAccount();
    await follow(other.relay);
    await alice.see('Use another node?');
    await alice.see(hostOf(other));
    await alice.see(hostOf(own));
    expect(connected.size).toBe(0);
    await alice.button('Keep my node').click();
    await alice.unlock();
    await alice.isOpen();
    await connectsTo(own);
    expect(await address()).toBe('#/settings');
    await follow(other.relay);
    await alice.unlock();
    await alice.isOpen();
    await connectsTo(own);
  });

  it('what is no address of a node is passed over', async () => {
    await follow('javascript:alert(1)');
    await alice.unlock();
    await alice.isOpen();
    expect(await address()).toBe('#/settings');
  });

  it('once accepted the node is used, and stays', async () => {
    // The other one was declined; by another path it is another address, and the same node.
    const proposed = `${other.relay}/`.replace(/\/+$/, '/accepted');
    await follow(proposed);
    await alice.button(`Use ${hostOf(other)}`).click();
    for (const again of [false, true]) {
      if (again) await load(site.url);
      await alice.unlock();
      await alice.isOpen();
      await connectsTo(other);
    }
    await follow(proposed);
    await alice.unlock();
    await alice.isOpen();
    await alice.go('#/settings/node');
    await expect.poll(() => alice.page.getByLabel('Address').inputValue()).toBe(proposed);
  });
});
