import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { createFaultyStore } from '@sotto/compliance/faulty-store';
import { type Argon2id, decodeUtf8, encodeHex, encodeUtf8, type Store, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { randomBytes } from '@sotto/testing/random';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { RecordSealer } from '../src/encrypted/sealed-record.js';
import { createEncryptedStore, type EncryptedStore } from '../src/encrypted.js';
import { createFileAnchor } from '../src/file-anchor.node.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { createSqliteStore } from '../src/sqlite.js';

const cheap = { memoryKiB: 8, passes: 1 };
const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

/** Closing it leaves the store underneath open, for a look at what is in it and for opening it again. */
function kept(store: Store): Store {
  return {
    get: (key) => store.get(key),
    list: (p, o) => store.list(p, o),
    commit: (w, o) => store.commit(w, o),
    close: async () => {},
  };
}

function encrypt(store: Store, passphrase = 'correct horse'): Promise<EncryptedStore> {
  return createEncryptedStore({ store: kept(store), passphrase, randomBytes, passphraseCost: cheap });
}

/** Closing it closes the store underneath. */
function encryptWhole(store: Store): Promise<EncryptedStore> {
  return createEncryptedStore({ store, passphrase: 'correct horse', randomBytes, passphraseCost: cheap });
}

async function texts(store: Store, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value } of store.list(prefix)) found.push(`${key}=${decodeUtf8(value)}`);
  return found;
}

async function innerRecords(store: Store, prefix = 'r/'): Promise<Map<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>();
  for await (const { key, value } of store.list(prefix)) records.set(key, value);
  return records;
}

/** The only record underneath that the commit adds. */
async function innerKeyOf(inner: Store, outer: Store, key: string): Promise<string> {
  const before = await innerRecords(inner);
  await outer.commit([put(key, 'first')]);
  const added = [...(await innerRecords(inner)).keys()].filter((one) => !before.has(one));
  expect(added).toHaveLength(1);
  return added[0]!;
}

describe('a key derivation of the caller', () => {
  it('is used to make the store, to open it and to change its passphrase', async () => {
    const store = createMemoryStore();
    const costs: unknown[] = [];
    const argon2id: Argon2id = async (password, salt, cost) => {
      costs.push(cost);
      return argon2idAsync(password, salt, { m: cost.memoryKiB, t: cost.passes, p: 1, dkLen: 32 });
    };
    const options = { passphrase: 'correct horse', randomBytes, passphraseCost: cheap };
    const made = await createEncryptedStore({ store: kept(store), ...options, argon2id });
    await made.commit([{ type: 'put', key: 'a', value: encodeUtf8('1') }]);
    await made.changePassphrase('battery staple', cheap);
    await made.close();
    expect(costs).toEqual([cheap, cheap]);
    // The same keys as by default.
    const opened = await createEncryptedStore({
      store: kept(store),
      ...options,
      passphrase: 'battery staple',
    });
    expect((await opened.get('a'))?.value).toEqual(encodeUtf8('1'));
    await opened.close();
    await expect(
      createEncryptedStore({ store, ...options, argon2id: 'fast' as never }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the passphrase', () => {
  it('opens the store again, in whichever Unicode form it is typed', async () => {
    const inner = createMemoryStore();
    const store = await encrypt(inner, 'pâté à la crème');
    await store.commit([put('a', '1')]);
    await store.close();
    for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
      expect(await texts(await encrypt(inner, 'pâté à la crème'.normalize(form)))).toEqual(['a=1']);
    }
  });

  it('that is wrong is reported as such, and the right one may be tried next', async () => {
    const inner = createMemoryStore();
    await (await encrypt(inner)).commit([put('a', '1')]);
    for (const wrong of ['Correct horse', 'correct horse ', 'x']) {
      await expect(encrypt(inner, wrong)).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    }
    expect(await texts(await encrypt(inner))).toEqual(['a=1']);
  });

  it('that is empty is refused, for a new store and for an old one', async () => {
    const inner = createMemoryStore();
    await expect(encrypt(inner, '')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await innerRecords(inner, '')).toEqual(new Map());
    const store = await encrypt(inner);
    await expect(encrypt(inner, '')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.changePassphrase('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await encrypt(inner);
  });

  it('is not confused with damage: each byte of the keyring changed is STORE_CORRUPT', async () => {
    const inner = createMemoryStore();
    await encrypt(inner);
    const keyring = (await inner.get('k'))!.value;
    for (let i = 0; i < keyring.length; i++) {
      const damaged = keyring.with(i, keyring[i]! ^ 1);
      await inner.commit([{ type: 'put', key: 'k', value: damaged }]);
      await expect(encrypt(inner), `byte ${i}`).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        details: { what: 'keyring' },
      });
    }
    for (const length of [0, 1, 40, keyring.length - 1]) {
      await inner.commit([{ type: 'put', key: 'k', value: keyring.slice(0, length) }]);
      await expect(encrypt(inner)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    }
  });

  it('is changed without rewriting a record; the old one opens nothing any more', async () => {
    const inner = createMemoryStore();
    const store = await encrypt(inner, 'old');
    await store.commit([put('a', '1'), put('b/c', '2')]);
    const records = await innerRecords(inner);
    await store.changePassphrase('new', cheap);
    await store.commit([put('d', '3')]);
    const after = await innerRecords(inner);
    for (const [key, value] of records) expect(after.get(key)).toEqual(value);
    await expect(encrypt(inner, 'old')).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    expect(await texts(await encrypt(inner, 'new'))).toEqual(['a=1', 'b/c=2', 'd=3']);
  });

  it('keeps the cost with which it was set, and refuses costs out of range', async () => {
    const inner = createMemoryStore();
    await encrypt(inner);
    await createEncryptedStore({ store: inner, passphrase: 'correct horse', randomBytes });
    for (const passphraseCost of [
      { memoryKiB: 7, passes: 1 },
      { memoryKiB: 2 ** 18 + 1, passes: 1 },
      { memoryKiB: 8, passes: 0 },
      { memoryKiB: 8, passes: 11 },
      { memoryKiB: 8.5, passes: 1 },
    ]) {
      const refused = createEncryptedStore({
        store: createMemoryStore(),
        passphrase: 'x',
        randomBytes,
        passphraseCost,
      });
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('changed while the process is killed is either the old one or the new one', async () => {
    for (const moment of ['before', 'after'] as const) {
      const inner = createMemoryStore();
      await (await encrypt(inner, 'old')).commit([put('a', '1')]);
      const faulty = createFaultyStore(inner, { commit: 1, moment, effect: 'kill' });
      const store = await encrypt(faulty, 'old');
      void store.changePassphrase('new', cheap);
      await faulty.killed;
      expect(await texts(await encrypt(inner, moment === 'before' ? 'old' : 'new'))).toEqual(['a=1']);
    }
  });

  it('set by a newer format is refused with both versions', async () => {
    const { sha256 } = await import('@noble/hashes/sha2.js');
    const inner = createMemoryStore();
    const future = new Uint8Array(50).fill(9);
    future.set(sha256(future.subarray(0, 42)).subarray(0, 8), 42);
    await inner.commit([{ type: 'put', key: 'k', value: future }]);
    await expect(encrypt(inner)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      details: { found: 9, supported: 2 },
    });
  });
});

describe('what became of the store underneath', () => {
  it.each(['new', 'continued', 'rolled-back', 'lost'] as const)('%s is passed on', async (continuity) => {
    const inner = Object.assign(kept(createMemoryStore()), { continuity });
    expect((await encryptWhole(inner)).continuity).toBe(continuity);
    expect((await encryptWhole(inner)).continuity).toBe(continuity);
  });

  it('a store that says nothing of itself: new, then continued', async () => {
    const inner = createMemoryStore();
    expect((await encrypt(inner)).continuity).toBe('new');
    expect((await encrypt(inner)).continuity).toBe('continued');
  });

  it('an old copy of a LevelDB that was restored', async () => {
    const directory = temporaryDirectory();
    const [path, copy] = [join(directory, 'store'), join(directory, 'copy')];
    const anchor = createFileAnchor(join(directory, 'anchor'));
    const open = async () => encryptWhole(await createLevelDbStore({ path, anchor }));
    const first = await open();
    expect(first.continuity).toBe('new');
    await first.close();
    await cp(path, copy, { recursive: true });
    const second = await open();
    expect(second.continuity).toBe('continued');
    await second.commit([put('a', '1')]);
    await second.close();
    await rm(path, { recursive: true });
    await cp(copy, path, { recursive: true });
    const restored = await open();
    expect(restored.continuity).toBe('rolled-back');
    await restored.close();
  });
});

describe('what the store underneath sees', () => {
  it('is neither keys nor values, and differs each time', async () => {
    const inner = createMemoryStore();
    const store = await encrypt(inner);
    await store.commit([put('session/peer/device', 'SECRET'), put('inbox/1', 'SECRET')]);
    const first = await innerRecords(inner, '');
    await store.commit([put('session/peer/device', 'SECRET')]);
    const second = await innerRecords(inner, '');
    for (const [key, value] of [...first, ...second]) {
      expect(key).toMatch(/^(k|v(\/[0-3][0-9])*|r(\/[\w-]{22}){1,3})$/);
      expect(new TextDecoder('latin1').decode(value)).not.toMatch(/SECRET|session|inbox|peer/);
    }
    const changed = [...second].filter(([key, value]) => encodeHex(value) !== encodeHex(first.get(key)!));
    expect(changed.map(([key]) => key.slice(0, 2)).sort()).toEqual(['r/', 'v', 'v/', 'v/']);
  });

  it('is one commit for one commit', async () => {
    const counted = createFaultyStore(createMemoryStore());
    const store = await encrypt(counted);
    const before = counted.commits;
    await store.commit(Array.from({ length: 100 }, (_, i) => put(`k/${i}`, 'x')));
    expect(counted.commits).toBe(before + 1);
  });

  it('in files: no known secret in plain text, LevelDB and SQLite', async () => {
    const directory = temporaryDirectory();
    const passphrase = 'PASSPHRASE-in-plain-text';
    const value = 'VALUE-in-plain-text-'.repeat(20);
    const dataKeys: Uint8Array[] = [];
    const recorded = (length: number) => {
      const bytes = randomBytes(length);
      if (length === 32) dataKeys.push(bytes.slice());
      return bytes;
    };
    for (const inner of [
      await createLevelDbStore({ path: join(directory, 'level') }),
      await createSqliteStore({ path: join(directory, 'store.sqlite') }),
    ]) {
      const store = await createEncryptedStore({
        store: inner,
        passphrase,
        randomBytes: recorded,
        passphraseCost: cheap,
      });
      for (let i = 0; i < 50; i++)
        await store.commit([put(`SESSION-KEY/${i}`, value), put(`k${i}`, `${value}${i}`)]);
      await store.commit(Array.from({ length: 25 }, (_, i) => ({ type: 'delete', key: `k${i}` })));
      expect((await texts(store)).length).toBe(75);
      await inner.compact();
      await searchFiles(directory, [passphrase, 'VALUE-in', 'SESSION-KEY', ...dataKeys]);
      await store.close();
    }
    // The keys of records and of the index are among them.
    expect(dataKeys.length).toBeGreaterThan(500);
    await searchFiles(directory, [passphrase, 'VALUE-in', 'SESSION-KEY', ...dataKeys]);
  });

  it('in files: the search would find them', async () => {
    const directory = temporaryDirectory();
    for (const inner of [
      await createLevelDbStore({ path: join(directory, 'level') }),
      await createSqliteStore({ path: join(directory, 'store.sqlite') }),
    ]) {
      await inner.commit([put('SESSION-KEY', 'VALUE-in-plain-text')]);
      await expect(searchFiles(directory, ['VALUE-in'])).rejects.toThrow('VALUE-in');
      await expect(searchFiles(directory, ['SESSION-KEY'])).rejects.toThrow('SESSION-KEY');
      await inner.close();
    }
  });
});

async function searchFiles(directory: string, secrets: readonly (string | Uint8Array)[]): Promise<void> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    const content = await readFile(join(file.parentPath, file.name));
    for (const secret of secrets) {
      if (content.includes(Buffer.from(secret))) throw new Error(`${file.name} holds ${secret}`);
      if (content.includes(typeof secret === 'string' ? secret : encodeHex(secret)))
        throw new Error(`${file.name} holds it in hex`);
    }
  }
}

describe('tampering and damage', () => {
  async function storeWithTwoStates() {
    const inner = createMemoryStore();
    const store = await encrypt(inner);
    const innerKey = await innerKeyOf(inner, store, 'session/peer/1');
    await store.commit([put('session/peer/2', 'other'), put('inbox/1', 'mail')]);
    const before = await innerRecords(inner, '');
    await store.commit([put('session/peer/1', 'second')]);
    return { inner, innerKey, before };
  }

  const key = 'session/peer/1';

  it.each([
    ['an older copy of a record put back', 'STORE_ROLLBACK', (old: Uint8Array) => old],
    [
      'a record with a bit flipped',
      'STORE_CORRUPT',
      (_: Uint8Array, now: Uint8Array) => now.with(40, now[40]! ^ 1),
    ],
    [
      'a record with another version written on it',
      'STORE_CORRUPT',
      (old: Uint8Array, now: Uint8Array) => {
        const forged = old.slice();
        forged.set(now.subarray(0, 8));
        return forged;
      },
    ],
    ['a record that was cut', 'STORE_CORRUPT', (_: Uint8Array, now: Uint8Array) => now.slice(0, 30)],
    ['a record that was emptied', 'STORE_CORRUPT', () => new Uint8Array()],
    ['a record that was removed', 'STORE_CORRUPT', () => undefined],
  ])('%s is noticed, the others work, and writing heals it', async (_, code, tamper) => {
    const { inner, innerKey, before } = await storeWithTwoStates();
    const value = tamper(before.get(innerKey)!, (await inner.get(innerKey))!.value);
    await inner.commit([value ? { type: 'put', key: innerKey, value } : { type: 'delete', key: innerKey }]);

    const store = await encrypt(inner);
    await expect(store.get(key)).rejects.toMatchObject({ code, details: { what: key } });
    expect(decodeUtf8((await store.get('session/peer/2'))!.value)).toBe('other');
    const seen: string[] = [];
    const listing = (async () => {
      for await (const entry of store.list('session/')) seen.push(entry.key);
    })();
    if (value) await expect(listing).rejects.toMatchObject({ code });
    else await listing;
    expect(seen).toEqual(['session/peer/2']);
    expect(await texts(store, 'inbox/')).toEqual(['inbox/1=mail']);

    await store.commit([put(key, 'established again')]);
    expect(await texts(await encrypt(inner))).toEqual([
      'inbox/1=mail',
      'session/peer/1=established again',
      'session/peer/2=other',
    ]);
  });

  it('what can not be opened is removed on request', async () => {
    const { inner, innerKey, before } = await storeWithTwoStates();
    await inner.commit([
      { type: 'put', key: innerKey, value: before.get(innerKey)! },
      { type: 'put', key: `${innerKey.slice(0, -22)}${'A'.repeat(22)}`, value: randomBytes(100) },
      { type: 'put', key: 'r/junk', value: randomBytes(100) },
    ]);
    const store = await encrypt(inner);
    expect(await store.removeDamaged()).toBe(3);
    expect(await store.removeDamaged()).toBe(0);
    expect(await store.get(key)).toBeUndefined();
    expect(await texts(await encrypt(inner))).toEqual(['inbox/1=mail', 'session/peer/2=other']);
  });

  it('a deleted record that is restored is detected', async () => {
    const { inner, innerKey } = await storeWithTwoStates();
    const sealed = (await inner.get(innerKey))!.value;
    await (await encrypt(inner)).commit([{ type: 'delete', key }]);
    await inner.commit([{ type: 'put', key: innerKey, value: sealed }]);
    const store = await encrypt(inner);
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
    await expect(texts(store)).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
  });

  it('a record moved under the key of another is noticed', async () => {
    const { inner, innerKey } = await storeWithTwoStates();
    const records = await innerRecords(inner);
    const other = [...records.keys()].find((one) => one !== innerKey)!;
    await inner.commit([{ type: 'put', key: innerKey, value: records.get(other)! }]);
    await expect((await encrypt(inner)).get(key)).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
  });

  it('an older record restored together with older parts of the index is detected', async () => {
    const { inner, innerKey, before } = await storeWithTwoStates();
    const nodes = [...before].filter(([one]) => one.startsWith('v/') || one === innerKey);
    await inner.commit(nodes.map(([one, value]) => ({ type: 'put', key: one, value })));
    await expect((await encrypt(inner)).get(key)).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
  });

  it('a restored older keyring is detected', async () => {
    const inner = createMemoryStore();
    const store = await encrypt(inner, 'old');
    const keyring = (await inner.get('k'))!.value;
    await store.changePassphrase('new', cheap);
    await inner.commit([{ type: 'put', key: 'k', value: keyring }]);
    await expect(encrypt(inner, 'old')).rejects.toMatchObject({
      code: 'STORE_ROLLBACK',
      details: { what: 'keyring' },
    });
  });

  it.each([
    [
      'the root of the index damaged',
      (inner: Store) => inner.commit([{ type: 'put', key: 'v', value: randomBytes(80) }]),
    ],
    ['the root of the index removed', (inner: Store) => inner.commit([{ type: 'delete', key: 'v' }])],
    ['the keyring removed', (inner: Store) => inner.commit([{ type: 'delete', key: 'k' }])],
  ])('%s is told on opening, and nothing is changed', async (_, damage) => {
    const { inner } = await storeWithTwoStates();
    await damage(inner);
    const before = await innerRecords(inner, '');
    await expect(encrypt(inner)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await innerRecords(inner, '')).toEqual(before);
  });

  it('a store that holds something else is not overwritten', async () => {
    const inner = createMemoryStore();
    await inner.commit([put('settings', 'plain')]);
    await expect(encrypt(inner)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect([...(await innerRecords(inner, '')).keys()]).toEqual(['settings']);
  });

  it('a damaged part of the index costs the records that it spoke for, and no others', async () => {
    const inner = createMemoryStore();
    const store = await encrypt(inner);
    const keys = Array.from({ length: 300 }, (_, i) => `k${100 + i}`);
    await store.commit(keys.map((one) => put(one, 'x')));
    const [branch] = [...(await innerRecords(inner, 'v/')).keys()].filter((one) => one.length === 4);
    await inner.commit([{ type: 'put', key: branch!, value: randomBytes(60) }]);

    const reopened = await encrypt(inner);
    const readable: string[] = [];
    const lost: string[] = [];
    for (const one of keys) {
      await reopened.get(one).then(
        () => readable.push(one),
        (error) => {
          expect(error.code).toBe('STORE_CORRUPT');
          lost.push(one);
        },
      );
    }
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(60);
    await reopened.commit(keys.map((one) => put(one, 'again')));
    expect((await texts(await encrypt(inner))).every((text) => text.endsWith('=again'))).toBe(true);
  });

  it('two encrypted stores on one store underneath: the second writer is refused', async () => {
    const inner = createMemoryStore();
    const one = await encrypt(inner);
    const other = await encrypt(inner);
    await one.commit([put('a', '1')]);
    await expect(other.commit([put('a', '2')])).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(await texts(one)).toEqual(['a=1']);
  });
});

describe('a failure underneath', () => {
  it('leaves everything as it was, and the work goes on', async () => {
    const inner = createMemoryStore();
    const faulty = createFaultyStore(inner, { commit: 3, moment: 'before', effect: 'fail' });
    const store = await encrypt(faulty);
    await store.commit([put('a', '1')]);
    await expect(store.commit([put('a', '2'), put('b', '2')])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    expect(await texts(store)).toEqual(['a=1']);
    await store.commit([put('a', '3')]);
    expect(await texts(store)).toEqual(['a=3']);
    expect(await texts(await encrypt(inner))).toEqual(['a=3']);
  });

  it('by death, at any write, leaves one state or the other', async () => {
    for (let commit = 1; commit <= 6; commit++) {
      for (const moment of ['before', 'after'] as const) {
        const inner = createMemoryStore();
        const faulty = createFaultyStore(inner, { commit, moment, effect: 'kill' });
        const work = async () => {
          const store = await encrypt(faulty);
          for (let i = 1; i <= 5; i++)
            await store.commit([put('a', `${i}`), put(`b/${i}`, 'x'), { type: 'delete', key: `b/${i - 1}` }]);
        };
        void work();
        await faulty.killed;
        const done = commit - (moment === 'before' ? 1 : 0) - 1;
        const expected = done <= 0 ? [] : [`a=${done}`, `b/${done}=x`];
        expect(await texts(await encrypt(inner))).toEqual(expected);
      }
    }
  });
});

it('does as the store underneath would, for any keys and prefixes', async () => {
  const segment = fc.stringMatching(/^[a-c/ ~]{0,3}$/);
  const key = fc.array(segment, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/') || 'a');
  const write = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('put' as const),
        key,
        value: fc.uint8Array({ maxLength: 40 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  );
  const commit = fc.uniqueArray(write, { selector: (one) => one.key, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { maxLength: 8 }),
      fc.array(key, { maxLength: 4 }),
      async (commits, prefixes) => {
        const plain = createMemoryStore();
        const inner = createMemoryStore();
        let store = await encrypt(inner);
        for (const writes of commits) {
          await plain.commit(writes);
          await store.commit(writes);
          if (writes.length % 3 === 0) store = await encrypt(inner);
        }
        for (const prefix of ['', ...prefixes, ...prefixes.map((one) => one.slice(0, -1))]) {
          const list = async (from: Store) => {
            const entries: string[] = [];
            for await (const entry of from.list(prefix))
              entries.push(`${entry.key}=${encodeHex(entry.value)}`);
            return entries;
          };
          expect(await list(store)).toEqual(await list(plain));
        }
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

it('never seals twice with one nonce', async () => {
  const nonces: string[] = [];
  const recorded = (length: number) => {
    const bytes = randomBytes(length);
    if (length === 24) nonces.push(encodeHex(bytes));
    return bytes;
  };
  const seal = vi.spyOn(RecordSealer.prototype, 'seal');
  const store = await createEncryptedStore({
    store: createMemoryStore(),
    passphrase: 'x',
    randomBytes: recorded,
    passphraseCost: cheap,
  });
  for (let i = 0; i < 20; i++) await store.commit([put('a', `${i}`), put('b', `${i}`)]);
  // One for each seal, and one for the keyring.
  expect(nonces.length).toBe(seal.mock.calls.length + 1);
  expect(new Set(nonces).size).toBe(nonces.length);
  seal.mockRestore();
});
