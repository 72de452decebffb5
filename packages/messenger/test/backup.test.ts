import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { backupFileName, exportBackup, restoreBackup } from '../src/backup.js';
import { createMessenger } from '../src/index.js';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, dump, START, textOf } from './world.js';

const COST = { memoryKiB: 8, passes: 1 };

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: number[] = [];
  for await (const chunk of stream) chunks.push(...chunk);
  return Uint8Array.from(chunks);
}

async function* cut(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** Somebody with a past: a contact, a conversation, a group, a chat, and a message not dealt with. */
async function someone() {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const alice = await newParty(network, 'alice-1', { acknowledge: false });
  const bob = await newParty(network, 'bob-1');
  await alice.messenger.addContact(await bob.messenger.contactCode(), 'Bob');
  await alice.messenger.setVerified(bob.identity.publicKey, true);
  await alice.messenger.joinChat('status');
  await alice.say(bob, 'hello');
  await quiet(network, alice, bob);
  await bob.say(alice, 'read me later');
  await quiet(network, alice, bob);
  const { group } = await alice.messenger.createGroup('friends', [bob.identity.publicKey]);
  await quiet(network, alice, bob);
  const progress: number[] = [];
  const backup = await collect(
    exportBackup({
      store: alice.store,
      identity: alice.identity,
      passphrase: 'correct horse',
      crypto,
      cost: COST,
      onProgress: ({ done, total }) => progress.push(done / (total ?? 1)),
    }),
  );
  return { network, alice, bob, group, backup, progress };
}

const restore = (
  backup: Uint8Array,
  passphrase = 'correct horse',
  store = createMemoryStore(),
  size?: number,
) => restoreBackup(cut(backup, size), { store, passphrase, crypto });

describe('backup', () => {
  it('moves what the application keeps under app/, as it is', async () => {
    const store = createMemoryStore();
    const value = bytesOf('notes');
    await store.commit([{ type: 'put', key: 'app/notes/1', value }]);
    const identity = crypto.secp256k1.generateKeyPair();
    const options = { store, identity, passphrase: 'correct horse', crypto, cost: COST };
    const backup = await collect(exportBackup(options));
    const restored = createMemoryStore();
    await restore(backup, undefined, restored);
    expect((await restored.get('app/notes/1'))?.value).toEqual(value);
  });

  it('moves to a new device, which goes on', async () => {
    const { network, alice, bob, group, backup, progress } = await someone();
    expect(progress.at(-1)).toBe(1);
    await alice.messenger.close();
    const store = createMemoryStore();
    const { identity } = await restore(backup, undefined, store);
    expect(identity.publicKey).toEqual(alice.identity.publicKey);
    const messenger = await createMessenger({
      identity,
      store,
      installationId: 'alice-2',
      transport: network.transport(),
      crypto,
      clock: manualClock(START + 1000),
    });
    const texts: string[] = [];
    messenger.on('message', async (message) => {
      texts.push(`${message.conversation.kind} ${textOf(message.payload)} ${message.verified}`);
      await message.acknowledge();
    });
    await messenger.start();
    expect(texts).toEqual(['direct read me later true']);
    expect(await messenger.contacts()).toMatchObject([{ name: 'Bob', verified: true }]);
    expect(messenger.chats()).toEqual(['status']);
    expect((await messenger.group(group.id)).name).toBe('friends');
    const { devices } = await messenger.send(bob.identity.publicKey, bytesOf('from the new one'));
    // A session of its own, and not the one of the old device.
    expect(devices).toEqual([{ installationId: 'bob-1', sent: 'x3dh+dr' }]);
    await messenger.sendToGroup(group.id, bytesOf('and to all'));
    await messenger.flushed();
    await quiet(network, bob);
    expect(bob.texts.slice(-2).toSorted()).toEqual([
      'direct alice-2 dr: from the new one',
      'group alice-2 dr: and to all',
    ]);
    await messenger.close();
  });

  it('takes no ratchet, no prekey and no ciphertext along, and shows no secret', async () => {
    const { alice, backup } = await someone();
    const store = createMemoryStore();
    await restore(backup, undefined, store);
    const kinds = new Set<string>();
    for await (const { key } of store.list('')) kinds.add(key.split('/')[0] as string);
    expect([...kinds].toSorted()).toEqual(['chat', 'contact', 'group', 'inbox', 'peer']);
    const hex = (bytes: Uint8Array) => bytes.join();
    expect(hex(backup)).not.toContain(hex(alice.identity.privateKey));
    expect(hex(backup)).not.toContain(hex(bytesOf('read me later')));
    expect(backupFileName(alice.identity)).toMatch(/^sotto-0[23][0-9a-f]{8}\.backup$/);
  });

  it('is read however it is cut, and only with its passphrase', async () => {
    const { backup } = await someone();
    for (const size of [1, 7, 1000]) await restore(backup, undefined, undefined, size);
    const store = createMemoryStore();
    await expect(restore(backup, 'wrong', store)).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    expect(await dump(store)).toBe('');
    // The same letters, written otherwise.
    const other = await collect(
      exportBackup({
        store,
        identity: crypto.secp256k1.generateKeyPair(),
        passphrase: 'caf\u00e9',
        crypto,
        cost: COST,
      }),
    );
    await restore(other, 'cafe\u0301');
  });

  it('cut short, altered or continued: refused with a reason, and nothing is stored', async () => {
    const { backup } = await someone();
    const store = createMemoryStore();
    const codes = new Set<string>();
    const offer = async (bytes: Uint8Array) => {
      try {
        await restore(bytes, undefined, store);
        codes.add('no error');
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    };
    for (let length = 0; length < backup.length; length += 41) await offer(backup.slice(0, length));
    for (let at = 46; at < backup.length; at += 41) await offer(backup.with(at, (backup[at] as number) ^ 1));
    await offer(Uint8Array.of(...backup, 0));
    await offer(bytesOf('something else altogether, and long enough to have a header'));
    expect([...codes].toSorted()).toEqual(['MALFORMED_MESSAGE', 'STORE_WRONG_PASSPHRASE']);
    expect(await dump(store)).toBe('');
    await expect(restore(backup.with(13, 9))).rejects.toMatchObject({ code: 'STATE_VERSION_UNSUPPORTED' });
    await expect(restore(backup.with(20, (backup[20] as number) ^ 1))).rejects.toThrow(/header is damaged/);
  });

  it('goes into an empty store only, and stops when told to', async () => {
    const { alice, backup } = await someone();
    await expect(restore(backup, undefined, alice.store)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const signal = AbortSignal.abort();
    const store = createMemoryStore();
    await expect(
      restoreBackup(cut(backup), { store, passphrase: 'correct horse', crypto, signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(
      collect(
        exportBackup({
          store: alice.store,
          identity: alice.identity,
          passphrase: 'x',
          crypto,
          cost: COST,
          signal,
        }),
      ),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
