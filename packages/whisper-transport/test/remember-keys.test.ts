import { createFaultyStore } from '@sotto/compliance/faulty-store';
import { createInbox } from '@sotto/compliance/inbox';
import type { Store } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, it } from 'vitest';
import { channelSymmetricKey, rememberKeys, sealedTransport } from '../src/index.js';
import { createMemoryNetwork } from '../src/memory.js';

const crypto = createPortableProvider();
const request = (name: string) => ({
  password: new TextEncoder().encode(name),
  salt: new Uint8Array(0),
  iterations: 65_356,
  length: 32,
});

function counting(store: Store) {
  const derived: string[] = [];
  const pbkdf2 = rememberKeys(store, crypto, async (asked) => {
    derived.push(new TextDecoder().decode(asked.password));
    return crypto.pbkdf2Sha256(asked);
  });
  return { derived, pbkdf2 };
}

describe('keys that are remembered', () => {
  it('are derived once, also for who comes later, and are the right ones', async () => {
    const store = createMemoryStore();
    const first = counting(store);
    expect(await first.pbkdf2(request('status'))).toEqual(channelSymmetricKey(crypto, 'status'));
    const later = counting(store);
    expect(await later.pbkdf2(request('status'))).toEqual(channelSymmetricKey(crypto, 'status'));
    await later.pbkdf2(request('another'));
    expect([first.derived, later.derived]).toEqual([['status'], ['another']]);
  });

  it('are of another request when anything of it differs', async () => {
    const { derived, pbkdf2 } = counting(createMemoryStore());
    const asked = { ...request('x'), iterations: 2 };
    for (const one of [
      asked,
      { ...asked, iterations: 3 },
      { ...asked, length: 16 },
      { ...asked, salt: Uint8Array.of(0) },
    ]) {
      expect(await pbkdf2(one)).toEqual(crypto.pbkdf2Sha256(one));
    }
    expect(derived).toHaveLength(4);
  });

  it('a store that fails costs the work, and nothing else', async () => {
    const closed = createMemoryStore();
    await closed.close();
    const failing = createFaultyStore(createMemoryStore(), { commit: 1, moment: 'before', effect: 'fail' });
    for (const store of [closed, failing]) {
      const { derived, pbkdf2 } = counting(store);
      expect(await pbkdf2(request('status'))).toEqual(channelSymmetricKey(crypto, 'status'));
      expect(derived).toEqual(['status']);
    }
  });

  it('serve a sealed transport: listening again derives nothing', async () => {
    const store = createMemoryStore();
    const network = createMemoryNetwork();
    const chats = ['a', 'b', 'c'].map((name) => ({ kind: 'public', name }) as const);
    for (const expected of [3, 0]) {
      const { derived, pbkdf2 } = counting(store);
      const transport = sealedTransport(network.carrier(), { crypto, pbkdf2 });
      const connection = await transport.connect(createInbox(crypto.secp256k1.generateKeyPair()).party);
      await connection.listen(chats);
      expect(derived).toHaveLength(expected);
      await connection.close();
    }
  });
});
