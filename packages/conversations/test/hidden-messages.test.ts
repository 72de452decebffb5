import { encodeUtf8, SottoError } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { type HiddenMessageSource, PROFILE_PICTURE_MAX_BYTES, SYNC_MAX_BYTES } from '../src/index.js';
import { direct, newParty, type Party, quiet } from './party.js';

const sync = (text: string) => ({ kind: 'sync', content: encodeUtf8(text) }) as const;
const profile = { kind: 'profile', name: 'Al', picture: Uint8Array.of(1, 2), changedAt: 7 } as const;

/** Notes the hidden messages of a kind, and stores each under its number. */
function read(party: Party, kind: 'sync' | 'profile' = 'sync') {
  const taken: { readonly content: string; readonly from: HiddenMessageSource; committed: boolean }[] = [];
  party.conversations.onHidden(kind, async (message, from) => {
    const content = message.kind === 'sync' ? String.fromCharCode(...message.content) : message.name;
    const one = { content, from, committed: false };
    taken.push(one);
    return {
      writes: [{ type: 'put', key: `app/test/${content}`, value: encodeUtf8(content) }],
      committed: () => {
        one.committed = true;
      },
    };
  });
  return taken;
}

describe.each([{ status: false }, { status: true }])('hidden messages, with status: $status', (options) => {
  async function parties() {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1', options);
    const bob = await newParty(network, 'bob-1', options);
    return { network, alice, bob };
  }

  it('reach the handler of their kind, and no conversation', async () => {
    const { network, alice, bob } = await parties();
    const taken = read(bob);
    const profiles = read(bob, 'profile');
    await alice.conversations.sendHidden(direct(bob.identity), sync('one'));
    await alice.conversations.sendHidden(direct(bob.identity), profile);
    await quiet(network, alice, bob);
    expect(taken.map(({ content, committed }) => [content, committed])).toEqual([['one', true]]);
    expect(profiles.map(({ content }) => content)).toEqual(['Al']);
    expect(taken[0]?.from).toMatchObject({
      sender: alice.identity.publicKey,
      senderInstallation: 'alice-1',
      ownCopy: false,
      request: true,
      conversation: direct(alice.identity),
    });
    expect(await bob.kept.store.get('app/test/one')).toBeDefined();
    for (const party of [alice, bob]) {
      expect(party.conversations.list()).toEqual([]);
      expect(party.changes.filter(({ what }) => what === 'received')).toEqual([]);
      await party.stop();
    }
  });

  it('are stored exactly once, in the commit that acknowledges them', async () => {
    const { network, alice, bob } = await parties();
    const taken = read(bob);
    let together: readonly string[] = [];
    const failWhile = (fails: boolean) =>
      bob.kept.failWith((keys) => {
        if (!keys.includes('app/test/one')) return;
        together = keys;
        if (fails) throw new SottoError('STORE_UNAVAILABLE', 'Not now.', { reason: 'test' });
      });
    failWhile(true);
    await alice.conversations.sendHidden(direct(bob.identity), sync('one'));
    await quiet(network, alice, bob);
    expect(taken.map(({ committed }) => committed)).toEqual([false]);
    // It is retried some seconds later, or after a restart.
    await bob.clock.advanceAndRest(5_000);
    await quiet(network, alice, bob);
    expect(taken.map(({ committed }) => committed)).toEqual([false, false]);
    await bob.stop();
    failWhile(false);
    await bob.open({ start: false });
    const again = read(bob);
    await bob.messenger.start();
    await quiet(network, alice, bob);
    expect(again.map(({ committed }) => committed)).toEqual([true]);
    expect(together.some((key) => !key.startsWith('app/'))).toBe(true);
    await bob.stop();
    await bob.open({ start: false });
    const never = read(bob);
    await bob.messenger.start();
    await quiet(network, alice, bob);
    expect(never).toEqual([]);
    await alice.stop();
    await bob.stop();
  });

  it('are dropped when nobody reads them', async () => {
    const { network, alice, bob } = await parties();
    const stop = bob.conversations.onHidden('sync', () => Promise.reject(new Error('not called')));
    stop();
    await alice.conversations.sendHidden(direct(bob.identity), sync('one'));
    await alice.conversations.sendHidden(direct(bob.identity), profile);
    await quiet(network, alice, bob);
    expect(bob.conversations.list()).toEqual([]);
    await alice.stop();
    await bob.stop();
  });

  it('are stored with writes of the sender in one commit', async () => {
    const { network, alice, bob } = await parties();
    await alice.conversations.sendHidden(direct(bob.identity), sync('one'), {
      alongside: () => [{ type: 'put', key: 'app/test/sent', value: Uint8Array.of(1) }],
    });
    await quiet(network, alice, bob);
    expect(await alice.kept.store.get('app/test/sent')).toBeDefined();
    await alice.stop();
    await bob.stop();
  });

  it('are refused when they are too large, and in public chats', async () => {
    const { alice, bob } = await parties();
    const { conversations } = alice;
    const large = { kind: 'sync', content: new Uint8Array(SYNC_MAX_BYTES + 1) } as const;
    const picture = new Uint8Array(PROFILE_PICTURE_MAX_BYTES + 1);
    const to = direct(bob.identity);
    await expect(conversations.sendHidden(to, large)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(conversations.sendHidden(to, { ...profile, picture })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(
      conversations.sendHidden({ kind: 'public', name: 'sailing' }, sync('one')),
    ).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect(await alice.messenger.outbox.pending()).toEqual(new Set());
    await alice.stop();
    await bob.stop();
  });
});
