import { type Chain, startChain } from '@sotto/testing/chain';
import type {} from '@sotto/testing/chain/setup';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import { type Kubo, startKuboNetwork } from '@sotto/testing/kubo';
import type {} from '@sotto/testing/kubo/setup';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startNode } from '../browser/node.js';
import { Person } from '../browser/person.js';
import { siteFiles } from '../static-site.js';

const program = inject('kubo');
const folder = inject('chain');
const canRun = program !== undefined && folder !== undefined && hasChromium();

/** One story: each test goes on where the one before it stopped. */
describe.skipIf(!canRun)('the page, from an IPFS node, beside a chain', () => {
  let node: NodeProcess;
  let chain: Chain;
  let nodes: readonly Kubo[] = [];
  let profiles: Profile[] = [];
  let url: string;
  let alice: Person;
  let bob: Person;
  /** Origins that Bob's page has made requests to. */
  const asked = new Set<string>();

  beforeAll(async () => {
    [node, chain, nodes] = await Promise.all([
      startNode(),
      startChain(folder as string),
      startKuboNetwork(program as string, 2),
    ]);
    const [first, second] = nodes as [Kubo, Kubo];
    const cid = await first.addFolder(siteFiles(node.relay));
    url = `${second.gateway}/ipfs/${cid}/`;
    profiles = [await openProfile(), await openProfile()];
    const [one, two] = profiles as [Profile, Profile];
    two.context.on('request', (request) => void asked.add(new URL(request.url()).origin));
    // What an extension of a wallet puts into the page: it signs with an account of the chain.
    await one.context.addInitScript(
      ([rpc, account]) => {
        Object.assign(globalThis, {
          ethereum: {
            async request(call: { method: string; params?: unknown[] }) {
              if (call.method === 'eth_requestAccounts') return [account];
              const response = await fetch(rpc as string, {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: [], ...call }),
              });
              const { result, error } = (await response.json()) as { result: unknown; error?: unknown };
              if (error !== undefined) throw new Error(JSON.stringify(error));
              return result;
            },
          },
        });
      },
      [chain.url, chain.accounts[1]] as const,
    );
    alice = await Person.arrive(one.context, url);
    bob = await Person.arrive(two.context, url);
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await Promise.all(nodes.map((one) => one.close()));
    await chain?.close();
    await node?.close();
  });

  /** Fills in the settings, and has them used. */
  async function set(person: Person, settings: Record<string, string>): Promise<void> {
    await person.go('#/settings/finding');
    await person.page.getByText('Another chain').click();
    for (const [label, text] of Object.entries(settings)) await person.type(label, text);
    await person.button('Save names and keys').click();
    await person.see('Saved: used from the next unlock');
    await person.page.reload();
    await person.unlock();
    await person.isOpen();
  }

  const holder = () => chain.accounts[1] as `0x${string}`;

  it('asks nobody for names or keys unless it is told to', async () => {
    await alice.createAccount();
    await bob.createAccount();
    await bob.go('#/new');
    await bob.type(/Or paste a card/, 'alice.eth');
    await bob.button('Read it').click();
    await bob.see('set an Ethereum node in the settings');
    expect([...asked]).toEqual([new URL(url).origin]);
  });

  it("publishes one's card by an IPFS node of one's own, and prepares the transaction of one's name", async () => {
    await set(alice, {
      'Ethereum node': chain.url,
      'Registry of names': chain.registry,
      'Your own IPFS node': (nodes[0] as Kubo).api,
    });
    await alice.go('#/card');
    await alice.see('Anyone who has only your key finds the newest card');
    await alice.see(/IPNS: published/);
    await chain.register('alice.eth', holder());
    await alice.go('#/settings/name');
    await alice.type('Name', 'alice.eth');
    await alice.button('Prepare the transaction').click();
    await alice.see('Nothing was sent: sign it with the account that holds the name.');
    await alice.button('Sign with the wallet').click();
    await alice.see(/Sent: 0x[0-9a-f]{64}/);
    await alice.go('#/card');
    await alice.see('People can type');
    await alice.page.goto('about:blank');
  });

  it('finds somebody who is off by their name, and the first message has forward secrecy', async () => {
    await set(bob, {
      'Ethereum node': chain.url,
      'Registry of names': chain.registry,
      'IPFS gateway': (nodes[1] as Kubo).gateway,
    });
    await bob.go('#/new');
    await bob.type(/Or paste a card/, 'Alice.eth');
    await bob.button('Read it').click();
    await bob.see('leads to this key. A name verifies nobody');
    await bob.button('Add and write').click();
    await bob.page.getByLabel('Message', { exact: true }).waitFor();
    await bob.write('hello alice.eth');
    await bob.see('Forward secrecy');
    await alice.page.goto(url);
    await alice.unlock();
    await alice.open('hello alice.eth');
    await alice.write('hello Bob');
    await bob.bubble('hello Bob').waitFor();
  });

  it('shows when a name points to another key, asks, and keeps the one that is known', async () => {
    // Whoever holds the name leads it to themselves.
    await alice.go('#/settings');
    const mallory = await openProfile();
    profiles.push(mallory);
    const { context } = mallory;
    const other = await Person.arrive(context, url);
    await other.createAccount();
    await set(other, { 'Ethereum node': chain.url, 'Registry of names': chain.registry });
    await other.go('#/settings/name');
    await other.type('Name', 'alice.eth');
    await other.button('Prepare the transaction').click();
    await other.see('These records have another value now');
    const to = /0x[0-9a-fA-F]{40}/.exec((await other.page.locator('p.key').textContent()) ?? '')?.[0];
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await other.button('Copy the call data').click();
    const data = await other.page.evaluate(() => navigator.clipboard.readText());
    await chain.send(holder(), { to: to as `0x${string}`, data: data as `0x${string}` });

    await bob.open('alice.eth');
    await bob.link('Verify').click();
    await bob.see('has stood for this key since');
    await bob.button('Look it up again').click();
    await bob.see('points to another key now.');
    await bob.button('Keep the key that I know').click();
    await bob.seeNoMore('points to another key now.');
    await bob.go('#/new');
    await bob.type(/Or paste a card/, 'alice.eth');
    await bob.button('Read it').click();
    await bob.see('Already one of your contacts.');
  });
});
