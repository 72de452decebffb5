import { createConversations } from '@sotto/conversations';
import { decodeBase64 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { parseContact } from '@sotto/identity';
import { createMessenger } from '@sotto/messenger';
import { createStatusClient } from '@sotto/status-messages/client';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

const crypto = defaultProvider();

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('a group of Status users to which a stranger added one', () => {
  let node: NodeProcess;
  let site: Site;
  let profile: Profile;
  let alice: Person;
  let mallory: Awaited<ReturnType<typeof openMallory>>;

  /** Someone with a Status client, whom Alice doesn't know. */
  const openMallory = async () => {
    const store = createMemoryStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const transport = createSealedTransport(createRelayCarrier({ url: node.relay }), { crypto });
    const messenger = await createMessenger({ identity, store, transport, crypto });
    const status = await createStatusClient({ messenger, store, crypto, identity });
    const conversations = await createConversations({ messenger, store, status });
    await messenger.start();
    return { conversations, messenger, status };
  };
  const invite = async (name: string, text: string) => {
    const member = await mallory.conversations.addContact(parseContact(crypto, await cardOf(alice)).identity);
    const { id } = await mallory.status.groups.create(name, [member.identity]);
    await mallory.conversations.send({ kind: 'group', groupId: id }, text);
    return id;
  };
  const openInvitation = async () => {
    await alice.go('#/');
    await alice.page.locator('details.requests > summary').click();
    await alice.page.locator('details.requests a.conversation').first().click();
  };
  const invitation = () => alice.page.getByRole('region', { name: 'Invitation to a group' });

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    profile = await openProfile({ viewport: { width: 1280, height: 800 } });
    await profile.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    alice = await Person.arrive(profile.context, site.url);
    await alice.createAccount();
    await alice.go('#/settings/status');
    await alice.page.getByRole('radio', { name: 'Yes Status today.' }).check();
    await alice.button('Open it again now').click();
    await alice.unlock();
    await alice.isOpen();
    mallory = await openMallory();
  });
  afterAll(async () => {
    await mallory?.conversations.close();
    await mallory?.status.close();
    await mallory?.messenger.close();
    await profile?.close();
    await site?.close();
    await node?.close();
  });

  it('is among the requests, says who added one, and nothing can be written before it is joined', async () => {
    await invite('Bank of Sotto', 'Your account is locked');
    await openInvitation();
    await alice.bubble('Your account is locked').waitFor();
    await invitation().getByText('Bank of Sotto').waitFor();
    expect(await invitation().textContent()).toMatch(/[A-Z][a-z]+ [A-Z][a-z]+ \d\d added you/);
    expect(await alice.page.getByLabel('Message', { exact: true }).count()).toBe(0);
    await inspect(alice.page, 'invitation');
  });

  it('is declined, and gone', async () => {
    await alice.button('Decline').click();
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Decline' }).click();
    await alice.page.getByRole('heading', { name: 'Conversations' }).waitFor();
    await alice.page.locator('details.requests').waitFor({ state: 'detached' });
  });

  it('is joined: a conversation like others, with its members', async () => {
    const groupId = await invite('Sailing', 'Ahoy');
    await openInvitation();
    await alice.button('Join').click();
    await invitation().waitFor({ state: 'detached' });
    await alice.write('Ahoy yourself');
    await expect
      .poll(() => textsOf(mallory.conversations, groupId), { timeout: 60_000 })
      .toContain('Ahoy yourself');
    await alice.page.locator('nav > ul a.conversation', { hasText: 'Sailing' }).waitFor();
    await alice.link('Details').click();
    await alice.see('Members (2)');
    await inspect(alice.page, 'status-group');
    await alice.link('Back').click();
  });

  it('takes a picture that is small enough for a message', async () => {
    const picture = decodeBase64(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    );
    const file = { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(picture) };
    await alice.page.getByLabel('File to send').setInputFiles(file);
    await alice.send('Where we are');
    await alice.bubble('Where we are').locator('.picture-frame img').waitFor();
    await alice.page
      .getByLabel('File to send')
      .setInputFiles({ ...file, name: 'a.txt', mimeType: 'text/plain' });
    await alice.see('Only pictures can be sent here.');
  });
});

async function cardOf(person: Person): Promise<string> {
  await person.go('#/card');
  await person.button('Copy the card').click();
  return person.page.evaluate(() => navigator.clipboard.readText());
}

async function textsOf(
  conversations: Awaited<ReturnType<typeof createConversations>>,
  groupId: string,
): Promise<readonly string[]> {
  const entries = await conversations.entries({ kind: 'group', groupId });
  return entries.map((entry) =>
    entry.kind === 'message' && entry.content.kind === 'text' ? entry.content.text : '',
  );
}
