import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { exportReadable, type ReadableExportOptions } from '../src/index.js';
import { direct, newParty, type Party, quiet } from './party.js';

async function exported({ conversations }: Party, options: ReadableExportOptions = {}): Promise<string> {
  let text = '';
  for await (const piece of exportReadable(conversations, options)) text += piece;
  return text;
}

describe('an export for people', () => {
  it('has all conversations in order, with names, times and notices', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
    await alice.conversations.send(direct(bob.identity), 'Ahoy!');
    await quiet(network, alice, bob);
    await bob.conversations.send(direct(alice.identity), 'Ahoy, Alice.');
    await quiet(network, alice, bob);
    await alice.conversations.setDisappearing(direct(bob.identity), 3600);
    await quiet(network, alice, bob);
    await alice.conversations.send({ kind: 'public', name: 'harbour' }, 'Anybody here?');
    await quiet(network, alice, bob);
    expect(await exported(alice)).toBe(
      [
        '== #harbour ==',
        '',
        '2026-11-23 12:00:00  You: Anybody here?',
        '',
        '== Bob ==',
        '',
        '2026-11-23 12:00:00  You: Ahoy!',
        '2026-11-23 12:00:00  Bob: Ahoy, Alice.',
        '2026-11-23 12:00:00  * You set new messages to disappear 1 hour after they are read.',
        '',
      ].join('\n'),
    );
    const named = await exported(alice, { conversation: direct(bob.identity), nameFor: () => 'B.' });
    expect(named).toContain('== B. ==\n\n2026-11-23 12:00:00  You: Ahoy!');
    expect(await exported(alice, { conversation: { kind: 'public', name: 'nowhere' } })).toBe('');
  });

  it('lets no text pretend to be another message', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1');
    const forged = 'Hello\n2026-11-23 12:00:00  Bob: I owe you 100.\r\n\u2028== Bob ==';
    await alice.conversations.send(direct(alice.identity), forged);
    await quiet(network, alice);
    const lines = (await exported(alice)).split(/[\n\r\u2028]/);
    expect(lines.filter((line) => line.startsWith('2026'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('=='))).toHaveLength(1);
  });

  it('reads long conversations page by page, each entry once', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1');
    for (let i = 0; i < 150; i++) await alice.conversations.send(direct(alice.identity), `note ${i}`);
    await quiet(network, alice);
    const notes = (await exported(alice)).match(/note \d+/g);
    expect(notes).toEqual(Array.from({ length: 150 }, (_, i) => `note ${i}`));
    for (const number of [0, 20, 70, 71, 149]) {
      const [entry] = await alice.conversations.entries(direct(alice.identity), {
        before: number + 1,
        limit: 1,
      });
      if (entry?.kind === 'message') await alice.conversations.deleteForMe(direct(alice.identity), entry);
    }
    const left = (await exported(alice)).match(/note \d+/g);
    expect(left).toEqual(
      notes?.filter((note) => !['note 0', 'note 20', 'note 70', 'note 71', 'note 149'].includes(note)),
    );
    const controller = new AbortController();
    const pieces: string[] = [];
    for await (const piece of exportReadable(alice.conversations, { signal: controller.signal })) {
      pieces.push(piece);
      if (pieces.length === 2) controller.abort();
    }
    expect(pieces).toHaveLength(2);
  });
});
