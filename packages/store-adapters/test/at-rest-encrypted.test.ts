/** What opens of everything that an encrypted store ever wrote, and what is left of it in files. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeUtf8, type Store, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { randomBytes } from '@sotto/testing/random';
import { describe, expect, it } from 'vitest';
import { openKeyring } from '../src/encrypted/keyring.js';
import { RecordSealer } from '../src/encrypted/sealed-record.js';
import { createEncryptedStore } from '../src/encrypted.js';
import { createMemoryStore } from '../src/memory.js';
import { kinds, settled } from './stores-on-disk.js';

const cheap = { memoryKiB: 8, passes: 1 };
const passphrase = 'correct horse';

/** Everything that was ever written to a store, each version of each record: more than any file system keeps. */
function recording(store: Store): { readonly recorded: Store; readonly written: [string, Uint8Array][] } {
  const written: [string, Uint8Array][] = [];
  return {
    written,
    recorded: {
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      async commit(writes, options) {
        const revision = await store.commit(writes, options);
        for (const write of writes) {
          if (write.type === 'put') written.push([write.key, new Uint8Array(write.value)]);
        }
        return revision;
      },
      compact: async () => store.compact?.(),
      close: async () => {},
    },
  };
}

/** Whatever opens with a data key and with all keys that are found in what opens, over and over; as text. */
function openedFrom(dataKey: Uint8Array, written: readonly (readonly [string, Uint8Array])[]): string[] {
  const keys = [dataKey];
  const opened = new Map<number, string>();
  for (const key of keys) {
    written.forEach(([place, value], i) => {
      if (opened.has(i) || place === 'k') return;
      try {
        // The root has 16 bytes in the clear before what is sealed.
        const sealed = place === 'v' ? value.subarray(16) : value;
        const { plaintext } = new RecordSealer(key, randomBytes).open(place, sealed, 'x');
        opened.set(i, new TextDecoder('latin1').decode(plaintext));
        if (place.startsWith('r/')) return;
        for (let at = 0; at + 32 <= plaintext.length; at++) {
          if ((at - (place === 'v' ? 8 : 0) - 9) % 41 === 0 || (at - 24) % 56 === 0) {
            keys.push(plaintext.slice(at, at + 32));
          }
        }
      } catch {
        // Not with this key.
      }
    });
  }
  return [...opened.values()];
}

describe('encrypted', () => {
  const encrypt = (store: Store, words = passphrase) =>
    createEncryptedStore({ store, passphrase: words, randomBytes, passphraseCost: cheap });
  const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

  async function used() {
    const inner = createMemoryStore();
    const record = recording(inner);
    const store = await encrypt(record.recorded);
    for (let i = 0; i < 20; i++) await store.commit([put('session/x', `STATE-${i}.`)]);
    await store.commit([put('inbox/1', 'MESSAGE'), put('kept', 'KEPT')]);
    await store.commit([{ type: 'delete', key: 'inbox/1' }]);
    return { inner, store, ...record };
  }

  const secretsIn = (texts: readonly string[]) =>
    texts.flatMap((text) => text.match(/STATE-\d+|MESSAGE|KEPT/) ?? []).sort();

  it('before: the search finds what is there, and with old keys everything', async () => {
    const { inner, written } = await used();
    const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
    const found = secretsIn(openedFrom(dataKey, written));
    expect(found).toHaveLength(22);
  });

  it.each(['compacted', 'closed'] as const)(
    '%s: with the passphrase and all that was ever written but an old keyring, only what is there opens',
    async (how) => {
      const { inner, store, written } = await used();
      if (how === 'compacted') await store.compact();
      else await store.close();
      const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
      expect(secretsIn(openedFrom(dataKey, written))).toEqual(['KEPT', 'STATE-19']);
      expect(decodeUtf8((await (await encrypt(inner)).get('session/x'))!.value)).toBe('STATE-19.');
    },
  );

  it('with a new passphrase nothing old opens, and with the old one and the old keyring only what is old', async () => {
    const { inner, store, written } = await used();
    const old = written.find(([key]) => key === 'k')![1];
    await store.changePassphrase('another horse', cheap);
    await store.commit([put('session/x', 'STATE-99.')]);
    const now = (await inner.get('k'))!.value;
    await expect(openKeyring(old, 'another horse')).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    await expect(openKeyring(now, passphrase)).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    const { dataKey } = await openKeyring(now, 'another horse');
    // The state before the last commit, whose root was sealed under the same data key, is the oldest that opens.
    const found = secretsIn(openedFrom(dataKey, written));
    expect(found).toEqual(['KEPT', 'STATE-19', 'STATE-99']);
    const before = await openKeyring(old, passphrase);
    expect(secretsIn(openedFrom(before.dataKey, written))).not.toContain('STATE-99');
  });

  it('by itself, after enough changes, while it is open', async () => {
    const { inner, store, written } = await used();
    const many = Array.from({ length: 999 }, (_, i) => put(`many/${i}`, 'x'));
    await store.commit(many);
    await settled(store);
    const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
    const places = written.filter(([key]) => key === 'k' || key.startsWith('v')).length;
    expect(places).toBeGreaterThan(40);
    const recent = written.filter(([key]) => !key.startsWith('v/'));
    expect(secretsIn(openedFrom(dataKey, recent))).not.toContain('MESSAGE');
  });

  it('a process that is killed while the data key is replaced: the store opens, and goes on', async () => {
    const { inner, written } = await used();
    const versions = written.filter(([key]) => key === 'k').length;
    const killed: Store = {
      ...recording(inner).recorded,
      commit: () => new Promise(() => {}),
    };
    const dying = await encrypt(killed);
    void dying.compact();
    const store = await encrypt(inner);
    expect(decodeUtf8((await store.get('kept'))!.value)).toBe('KEPT');
    await store.compact();
    expect(versions).toBe(1);
    expect(decodeUtf8((await (await encrypt(inner)).get('kept'))!.value)).toBe('KEPT');
  });

  it.each(kinds)(
    'over $kind, closed: no record that was replaced or deleted is in the files',
    async ({ open }) => {
      const directory = temporaryDirectory();
      const inner = await open(join(directory, 'store'));
      const written: Uint8Array[] = [];
      const spied: Store = {
        get: (key) => inner.get(key),
        list: (prefix, options) => inner.list(prefix, options),
        commit(writes, options) {
          for (const write of writes) if (write.type === 'put') written.push(new Uint8Array(write.value));
          return inner.commit(writes, options);
        },
        close: () => inner.close(),
      };
      const store = await encrypt(spied);
      for (let i = 0; i < 50; i++) await store.commit([put('session/x', `STATE-${i}.`)]);
      await store.commit([{ type: 'delete', key: 'session/x' }]);
      await store.changePassphrase('another horse', cheap);
      await store.close();
      const files = await readdir(directory, { recursive: true, withFileTypes: true });
      const contents = await Promise.all(
        files.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name))),
      );
      // By their tags, which nothing can compress.
      const found = written.filter((value) =>
        contents.some((content) => content.includes(Buffer.from(value.subarray(-16)))),
      );
      // The keyring, whose checksum is at its end, and the root without records.
      expect(found).toHaveLength(2);
    },
  );
});
