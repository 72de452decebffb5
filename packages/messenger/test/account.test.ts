import type { Store } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { exportBackup, restoreBackup } from '../src/backup.js';
import { createMessenger, readAccount, writeAccount } from '../src/index.js';
import { crypto, keptView } from './world.js';

const account = crypto.secp256k1.generateKeyPair();
const other = crypto.secp256k1.generateKeyPair();
const open = (store: Store, identity = account) =>
  createMessenger({ identity, store, transport: createMemoryNetwork().transport(), crypto });

async function keysOf(store: Store): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

describe('an account in the store of a messenger', () => {
  it('is not there at first, and is read as it was written, before and after a messenger is created', async () => {
    const store = createMemoryStore();
    expect(await readAccount(store, crypto)).toBeUndefined();
    await writeAccount(store, account, crypto);
    expect(await readAccount(store, crypto)).toEqual(account);
    const messenger = await open(keptView(store));
    expect(messenger.identity).toEqual(account.publicKey);
    await messenger.close();
    expect(await readAccount(store, crypto)).toEqual(account);
    await writeAccount(store, account, crypto);
  });

  it('can be put into a store that a messenger has used, of the same identity only', async () => {
    const store = createMemoryStore();
    await (await open(keptView(store))).close();
    const before = await keysOf(store);
    await expect(writeAccount(store, other, crypto)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'identity' },
    });
    expect(await keysOf(store)).toEqual(before);
    await writeAccount(store, account, crypto);
    expect(await readAccount(store, crypto)).toEqual(account);
  });

  it('is no record of a backup, which brings the account by itself', async () => {
    const store = createMemoryStore();
    await writeAccount(store, account, crypto);
    const passphrase = 'correct horse battery staple';
    const cost = { memoryKiB: 8, passes: 1 };
    const restored = createMemoryStore();
    const { identity } = await restoreBackup(
      exportBackup({ store, identity: account, passphrase, crypto, cost }),
      { store: restored, passphrase, crypto },
    );
    expect(await readAccount(restored, crypto)).toBeUndefined();
    await writeAccount(restored, identity, crypto);
    expect(await readAccount(restored, crypto)).toEqual(account);
  });
});
