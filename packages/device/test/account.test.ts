import { encodeHex, isSottoError, type KeyPair, type PrivateKey, type Store } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { openDevice, readAccount, writeAccount } from '../src/index.js';
import { bytesTable, encodeRecord } from '../src/storage/table.js';
import { crypto, keptView, START } from './world.js';

const account = crypto.secp256k1.generateKeyPair();
const other = crypto.secp256k1.generateKeyPair();

async function keysOf(store: Store): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

describe('an account in a store', () => {
  it('is not there at first, and can be put beside the records of a device of the same identity only', async () => {
    const store = createMemoryStore();
    expect(await readAccount(store, crypto)).toBeUndefined();
    const options = { identity: account, store: keptView(store), crypto, clock: manualClock(START) };
    await (await openDevice(options)).close();
    await expect(writeAccount(store, other, crypto)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'identity' },
    });
    expect(await readAccount(store, crypto)).toBeUndefined();
    await writeAccount(store, account, crypto);
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

  it('that is no private key is damage, whatever its checksum says', async () => {
    const store = createMemoryStore();
    const value = encodeRecord(crypto, bytesTable('account'), 'account', new Uint8Array(32));
    await store.commit([{ type: 'put', key: 'account', value }]);
    await expect(readAccount(store, crypto)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      details: { what: 'account', reason: 'not a private key' },
      cause: expect.objectContaining({ code: 'INVALID_PRIVATE_KEY' }),
    });
  });

  it('shows its key in no error', async () => {
    const store = createMemoryStore();
    await writeAccount(store, account, crypto);
    const error = await writeAccount(store, other, crypto).catch((reason: unknown) => reason);
    expect(JSON.stringify([error, `${error}`, (error as Error).stack])).not.toContain(
      encodeHex(account.privateKey.subarray(0, 8)),
    );
  });
});
