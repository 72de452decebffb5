import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { conversationKey, DRAFT_MAX_LENGTH, searchMessages } from '../src/index.js';
import { direct, newParty, type Party, quiet } from './party.js';

async function two() {
  const network = createMemoryNetwork({ clock: manualClock() });
  const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
  await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
  return { network, alice, bob };
}

const restart = async (party: Party) => {
  await party.stop();
  await party.open();
};
const summary = (party: Party, other: Party) => party.conversations.get(direct(other.identity));

describe('drafts', () => {
  it('are kept over a restart, change, and are deleted when empty', async () => {
    const { alice, bob } = await two();
    const conversation = direct(bob.identity);
    await alice.conversations.open(conversation);
    await alice.conversations.setDraft(conversation, 'I was about to');
    await restart(alice);
    expect(alice.conversations.draft(conversation)).toBe('I was about to');
    expect(summary(alice, bob)?.draft).toBe('I was about to');
    alice.changes.length = 0;
    await alice.conversations.setDraft(conversation, ' \n');
    expect(alice.conversations.draft(conversation)).toBe('');
    const key = conversationKey(conversation);
    expect(alice.changes).toEqual([{ what: 'conversation', key, numbers: [] }]);
    await restart(alice);
    expect(summary(alice, bob)?.draft).toBe('');
  });

  it('end with the message, in one commit', async () => {
    const { alice, bob } = await two();
    const conversation = direct(bob.identity);
    await alice.conversations.setDraft(conversation, 'hello');
    alice.kept.failWith((keys) => {
      if (keys.some((key) => key.includes('/entry/'))) throw new Error('full');
    });
    await expect(alice.conversations.send(conversation, 'hello')).rejects.toThrow();
    expect(alice.conversations.draft(conversation)).toBe('hello');
    const commits: (readonly string[])[] = [];
    alice.kept.failWith((keys) => void commits.push(keys));
    await alice.conversations.send(conversation, 'hello');
    expect(alice.conversations.draft(conversation)).toBe('');
    const [withEntry] = commits.filter((keys) => keys.some((key) => key.includes('/entry/')));
    expect(withEntry?.some((key) => key.includes('/draft/'))).toBe(true);
  });

  it('are there at once, and a later one survives the message that is being sent', async () => {
    const { alice, bob } = await two();
    const conversation = direct(bob.identity);
    const stored = alice.conversations.setDraft(conversation, 'hello');
    expect(alice.conversations.draft(conversation)).toBe('hello');
    const sent = alice.conversations.send(conversation, 'hello');
    const later = alice.conversations.setDraft(conversation, 'and');
    await Promise.all([stored, sent, later]);
    expect(alice.conversations.draft(conversation)).toBe('and');
    await restart(alice);
    expect(alice.conversations.draft(conversation)).toBe('and');
  });

  it('end with the conversation, and have a limit', async () => {
    const { alice, bob } = await two();
    const conversation = direct(bob.identity);
    await alice.conversations.setDraft(conversation, 'x'.repeat(DRAFT_MAX_LENGTH));
    await expect(
      alice.conversations.setDraft(conversation, 'x'.repeat(DRAFT_MAX_LENGTH + 1)),
    ).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(alice.conversations.draft(conversation)).toHaveLength(DRAFT_MAX_LENGTH);
    await alice.conversations.remove(conversation);
    await restart(alice);
    expect(alice.conversations.draft(conversation)).toBe('');
  });
});

describe('what is received', () => {
  const received = ({ changes }: Party) => changes.filter(({ what }) => what === 'received');

  it('is told once, quietly of a request, and not of own messages', async () => {
    const { network, alice, bob } = await two();
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    expect(received(bob)).toMatchObject([{ quiet: true, message: { content: { text: 'hello' } } }]);
    expect(received(alice)).toEqual([]);
    await bob.conversations.send(direct(alice.identity), 'hi');
    await quiet(network, alice, bob);
    const conversation = direct(bob.identity);
    const key = conversationKey(conversation);
    expect(received(alice)).toMatchObject([{ key, conversation, quiet: false, message: { number: 1 } }]);
  });

  it('is told once when it is a message of a Status client', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1', { status: true });
    const bob = await newParty(network, 'bob-1', { status: true });
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
    await bob.conversations.addContact(await alice.messenger.contacts.ownCode(), 'Alice');
    await alice.conversations.setDraft(direct(bob.identity), 'hel');
    await alice.conversations.send(direct(bob.identity), 'hello');
    expect(alice.conversations.draft(direct(bob.identity))).toBe('');
    await quiet(network, alice, bob);
    expect(received(bob)).toMatchObject([{ quiet: false, message: { content: { text: 'hello' } } }]);
  });

  it('is told quietly of a muted conversation, until its time is over', async () => {
    const { network, alice, bob } = await two();
    const conversation = direct(bob.identity);
    await alice.conversations.send(conversation, 'hello');
    await quiet(network, alice, bob);
    await alice.conversations.setMuted(conversation, alice.clock.now() + 1_000);
    expect(summary(alice, bob)?.muted).toBe(true);
    await bob.conversations.send(direct(alice.identity), 'one');
    await quiet(network, alice, bob);
    alice.clock.advance(1_000);
    expect(summary(alice, bob)?.muted).toBe(false);
    await alice.conversations.setMuted(conversation, Number.POSITIVE_INFINITY);
    await restart(alice);
    expect(summary(alice, bob)?.muted).toBe(true);
    await bob.conversations.send(direct(alice.identity), 'two');
    await quiet(network, alice, bob);
    await alice.conversations.setMuted(conversation, 0);
    await bob.conversations.send(direct(alice.identity), 'three');
    await quiet(network, alice, bob);
    expect(received(alice).map((change) => 'quiet' in change && change.quiet)).toEqual([true, true, false]);
  });
});

describe('safety numbers that were different', () => {
  it('are remembered of a contact, who is no longer verified, until they are the same', async () => {
    const { alice, bob } = await two();
    const { publicKey } = bob.identity;
    await alice.conversations.setVerified(publicKey, true);
    await alice.conversations.reportMismatch(publicKey);
    await restart(alice);
    expect(alice.conversations.person(publicKey)).toMatchObject({ mismatch: true, verified: false });
    await alice.conversations.setVerified(publicKey, false);
    expect(alice.conversations.person(publicKey)).toMatchObject({ mismatch: true });
    let last: unknown;
    alice.conversations.subscribe(() => {
      last = alice.conversations.person(publicKey);
    });
    await alice.conversations.setVerified(publicKey, true);
    expect(last).toMatchObject({ mismatch: false, verified: true });
    await restart(alice);
    expect(alice.conversations.person(publicKey)).toMatchObject({ mismatch: false, verified: true });
  });

  it('are remembered of a stranger, also when they become a contact, until that is taken back', async () => {
    const { alice, bob } = await two();
    const { publicKey } = alice.identity;
    await bob.conversations.reportMismatch(publicKey);
    await bob.conversations.addContact(publicKey, 'Alice');
    await bob.conversations.removeContact(publicKey);
    await restart(bob);
    expect(bob.conversations.person(publicKey).mismatch).toBe(true);
    await bob.conversations.clearMismatch(publicKey);
    await bob.conversations.clearMismatch(publicKey);
    await restart(bob);
    expect(bob.conversations.person(publicKey).mismatch).toBe(false);
  });
});

describe('a search', () => {
  const search = async (party: Party, ...args: [string, Parameters<typeof searchMessages>[2]?]) => {
    const found: string[] = [];
    for await (const { message } of searchMessages(party.conversations, ...args)) {
      if (message.content.kind === 'text') found.push(message.content.text);
    }
    return found;
  };

  it('finds messages with all words, whatever their capitals, accents and order, the newest first', async () => {
    const { network, alice, bob } = await two();
    const [notes, toBob] = [direct(alice.identity), direct(bob.identity)];
    for (let i = 0; i < 130; i++) await alice.conversations.send(notes, `note ${i}`);
    await alice.conversations.send(notes, 'Café crème on Sunday');
    await alice.conversations.send(toBob, 'sunday it is');
    await quiet(network, alice, bob);
    expect(await search(alice, 'SUNDAY')).toEqual(['sunday it is', 'Café crème on Sunday']);
    expect(await search(alice, 'sun creme')).toEqual(['Café crème on Sunday']);
    expect(await search(alice, 'sunday', { conversation: toBob })).toEqual(['sunday it is']);
    expect(await search(alice, 'note 12', { conversation: notes })).toEqual(
      ['129', '128', '127', '126', '125', '124', '123', '122', '121', '120', '112', '12'].map(
        (n) => `note ${n}`,
      ),
    );
    expect(await search(alice, '  ')).toEqual([]);
    expect(await search(alice, 'monday')).toEqual([]);
    expect(await search(alice, 'note', { conversation: { kind: 'public', name: 'nobody' } })).toEqual([]);
  });

  it('leaves requests out, and ends when it is aborted', async () => {
    const { network, alice, bob } = await two();
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    expect(await search(bob, 'hello')).toEqual([]);
    await bob.conversations.accept(alice.identity.publicKey);
    expect(await search(bob, 'hello')).toEqual(['hello']);
    expect(await search(bob, 'hello', { signal: AbortSignal.abort() })).toEqual([]);
  });
});
