import { isSottoError, type KeyPair, type PrivateKey, type Store } from '@sotto/core';
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

describe('an account in a store', () => {
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

  it('is not replaced by another one', async () => {
    const store = createMemoryStore();
    await writeAccount(store, account, crypto);
    await expect(writeAccount(store, other, crypto)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await readAccount(store, crypto)).toEqual(account);
  });

  it('is refused when its keys do not belong together, or are none', async () => {
    const store = createMemoryStore();
    const mixed = { privateKey: account.privateKey, publicKey: other.publicKey } as KeyPair;
    await expect(writeAccount(store, mixed, crypto)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const zero = { publicKey: account.publicKey, privateKey: new Uint8Array(32) as PrivateKey } as KeyPair;
    await expect(writeAccount(store, zero, crypto)).rejects.toMatchObject({ code: 'INVALID_PRIVATE_KEY' });
    await expect(writeAccount(store, undefined as never, crypto)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(readAccount(store, undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readAccount(undefined as never, crypto)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await keysOf(store)).toEqual([]);
  });

  it('that is damaged is told, wherever the damage is, and so is one of a later version', async () => {
    const store = createMemoryStore();
    await writeAccount(store, account, crypto);
    const [key] = (await keysOf(store)) as [string];
    const { value } = (await store.get(key)) as { value: Uint8Array };
    for (let i = 0; i < value.length; i++) {
      const damaged = value.slice();
      damaged[i] = (damaged[i] as number) ^ 1;
      await store.commit([{ type: 'put', key, value: damaged }]);
      await expect(readAccount(store, crypto)).rejects.toMatchObject({
        code: i === 0 ? 'STATE_VERSION_UNSUPPORTED' : 'STATE_CORRUPT',
      });
      await expect(writeAccount(store, account, crypto)).rejects.toSatisfy((error) => isSottoError(error));
    }
    await store.commit([{ type: 'put', key, value: value.subarray(0, 3) }]);
    await expect(readAccount(store, crypto)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });

  it('shows its key in no error', async () => {
    const store = createMemoryStore();
    await writeAccount(store, account, crypto);
    const error = await writeAccount(store, other, crypto).catch((reason: unknown) => reason);
    expect(JSON.stringify([error, `${error}`, (error as Error).stack])).not.toContain(
      [...account.privateKey.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    );
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
