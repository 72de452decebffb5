import { sha256 } from '@noble/hashes/sha2.js';
import {
  concatBytes,
  decodeUtf8,
  encodeHex,
  encodeUtf8,
  SottoError,
  type Store,
  type Write,
} from '@sotto/core';
import { randomBytes } from '@sotto/testing/random';
import { describe, expect, it } from 'vitest';
import { KeyHider, recordName } from '../src/encrypted/hidden-key.js';
import { createWrappingKey, openKeyring, sealKeyring } from '../src/encrypted/keyring.js';
import { createLock, decodeLock, encodeLock } from '../src/encrypted/lock.js';
import { childOf, digitOf, groupByDigit, LockNode, withChild } from '../src/encrypted/lock-node.js';
import {
  decodeSealedRecord,
  decodeVersion,
  encodeSealedRecord,
  encodeVersion,
  RecordSealer,
} from '../src/encrypted/sealed-record.js';
import { createEncryptedStore, type EncryptedStore } from '../src/encrypted.js';
import { createMemoryStore } from '../src/memory.js';

const cheap = { memoryKiB: 8, passes: 1 };
const put = (key: string, text = 'x'): Write => ({ type: 'put', key, value: encodeUtf8(text) });
const unavailable = () => new SottoError('STORE_UNAVAILABLE', 'The disk is gone.', { reason: 'gone' });

/** A store underneath that notes the keys written in each commit, stays open, and may be told to do something else. */
function noting(store: Store = createMemoryStore()) {
  const commits: (readonly string[])[] = [];
  const noted = {
    get: (key: string) => store.get(key),
    list: store.list.bind(store) as Store['list'],
    commit: ((writes, options) => {
      commits.push(writes.map(({ key }) => key));
      return store.commit(writes, options);
    }) as Store['commit'],
    close: async () => {},
  };
  return { store, noted, commits };
}

const open = (store: Store, passphrase = 'correct horse'): Promise<EncryptedStore> =>
  createEncryptedStore({ store, passphrase, randomBytes, passphraseCost: cheap });
const keysOf = async (store: Store, prefix: string) => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
};
/** What `promise` rejects with. */
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('nothing was thrown'),
    (error: SottoError) => error,
  );

describe('the data key', () => {
  it('is replaced after a thousand changes, and before that by compacting or closing only if anything has changed', async () => {
    const { noted, commits } = noting();
    let store = await open(noted);
    const renewals = async () => {
      // A listing begins after what the store does by itself.
      await keysOf(store, 'none/');
      return commits.filter((keys) => keys.includes('k')).length;
    };
    await store.compact();
    await store.close();
    expect(commits).toHaveLength(1);
    store = await open(noted);
    await store.compact();
    await store.close();
    expect(commits).toHaveLength(1);
    store = await open(noted);
    await store.commit(Array.from({ length: 999 }, (_, i) => put(`many/${i}`)));
    expect(await renewals()).toBe(1);
    await store.commit([put('one more')]);
    expect(await renewals()).toBe(2);
    await store.commit([{ type: 'delete', key: 'one more' }]);
    expect(await renewals()).toBe(2);
    await store.compact();
    expect(await renewals()).toBe(3);
    await store.compact();
    expect(await renewals()).toBe(3);
    await store.commit([put('last')]);
    await store.close();
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(4);
    store = await open(noted);
    await store.compact();
    await store.close();
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(4);
  });

  it('is replaced once for several commits at the same time', async () => {
    const { noted, commits } = noting();
    const store = await open(noted);
    await Promise.all([
      store.commit(Array.from({ length: 1000 }, (_, i) => put(`many/${i}`))),
      store.commit([put('a')]),
      store.commit([put('b')]),
    ]);
    await keysOf(store, 'none/');
    await keysOf(store, 'none/');
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(2);
  });

  it('is replaced again after another thousand, and after a failure with the next commit', async () => {
    const { noted, commits, store: below } = noting();
    const store = await open(noted);
    const thousand = async (name: string) => {
      await store.commit(Array.from({ length: 1000 }, (_, i) => put(`${name}/${i}`)));
      await keysOf(store, 'none/');
      return commits.filter((keys) => keys.includes('k')).length;
    };
    expect([await thousand('a'), await thousand('b')]).toEqual([2, 3]);
    noted.commit = async (writes, options) => {
      if (writes.some(({ key }) => key === 'k')) throw unavailable();
      return below.commit(writes, options);
    };
    await thousand('c');
    noted.commit = (writes, options) => {
      commits.push(writes.map(({ key }) => key));
      return below.commit(writes, options);
    };
    await store.commit([put('d')]);
    await keysOf(store, 'none/');
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(4);
  });

  it('counts the commits of earlier sessions that were not closed', async () => {
    const { noted, commits } = noting();
    const first = await open(noted);
    for (let i = 0; i < 3; i++) await first.commit([put('a')]);
    const second = await open(noted);
    await second.compact();
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(2);
    await second.compact();
    expect(commits.filter((keys) => keys.includes('k'))).toHaveLength(2);
  });
});

describe('reading', () => {
  it('while a commit replaces the record: gives what is there afterwards', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a', 'old')]);
    const [innerKey] = await keysOf(below, 'r/');
    let commitInBetween: (() => Promise<unknown>) | undefined = () => store.commit([put('a', 'new')]);
    noted.get = async (key) => {
      if (key === innerKey) {
        const between = commitInBetween;
        commitInBetween = undefined;
        await between?.();
      }
      return below.get(key);
    };
    expect(decodeUtf8((await store.get('a'))!.value)).toBe('new');
  });

  it('a record that is not there, and then damaged, and a store that fails once', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a', 'x')]);
    const error = unavailable();
    noted.get = () => {
      noted.get = (key) => below.get(key);
      return Promise.reject(error);
    };
    // No damage: it is not tried again behind the caller's back.
    expect(await failure(store.get('a'))).toBe(error);
    expect(decodeUtf8((await store.get('a'))!.value)).toBe('x');
    expect(await store.get('b')).toBeUndefined();
  });

  it('lists what begins with a prefix, and not what comes right after that', async () => {
    const store = await open(noting().noted);
    await store.commit(['a', 'a/', 'aa', 'b', 'a0', 'B'].map((key) => put(key)));
    expect(await keysOf(store, 'a')).toEqual(['a', 'a/', 'a0', 'aa']);
    expect(await keysOf(store, 'a/')).toEqual(['a/']);
    expect(await keysOf(store, '')).toEqual(['B', 'a', 'a/', 'a0', 'aa', 'b']);
  });

  it('of a store underneath that fails ends with its error, which is no damage', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a'), put('b')]);
    const reopened = await open(noted);
    noted.get = (key) => (key.startsWith('v/') ? Promise.reject(unavailable()) : below.get(key));
    expect(await failure(keysOf(reopened, ''))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await failure(reopened.removeDamaged())).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await failure(reopened.commit([put('a')]))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await keysOf(below, 'r/')).toHaveLength(2);
    // Once only: nothing may be taken for damaged that can be read the next time.
    const again = await open(noted);
    let failures = 1;
    noted.get = (key) =>
      key.startsWith('v/') && failures-- > 0 ? Promise.reject(unavailable()) : below.get(key);
    expect(await failure(again.removeDamaged())).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await keysOf(again, '')).toEqual(['a', 'b']);
  });

  it('hands a signal on to the store underneath, and its absence', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    const options: unknown[] = [];
    noted.list = (prefix, given) => {
      options.push(given);
      return below.list(prefix, given);
    };
    const { signal } = new AbortController();
    for await (const _ of store.list('a', { signal }));
    await keysOf(store, 'a');
    expect(options).toEqual([{ signal }, {}]);
  });
});

describe('a commit that changes no record', () => {
  it('leaves the index as it is: of nothing, and of expectations alone', async () => {
    const { noted, commits } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    await store.commit([]);
    expect(commits.at(-1)).toEqual([]);
  });
});

describe('damage', () => {
  it('that there is none of costs no commit', async () => {
    const { noted, commits } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    const before = commits.length;
    expect(await store.removeDamaged()).toBe(0);
    expect(commits).toHaveLength(before);
  });

  it('under a key that is no hidden one is removed as well', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    await below.commit([put('r/*'), put('r/AAAA'), put(`r/${'A'.repeat(43)}`)]);
    expect(await failure(keysOf(store, ''))).toMatchObject({
      code: 'STORE_ROLLBACK',
      details: { what: 'a record whose key cannot be read' },
    });
    expect(await store.removeDamaged()).toBe(3);
    expect(await keysOf(store, '')).toEqual(['a']);
  });

  it('is told by the key of the caller, a conflict too, and another writer is told apart', async () => {
    const { noted } = noting();
    const [store, other] = [await open(noted), await open(noted)];
    await store.commit([put('a'), put('b')]);
    const conflict = store.commit([put('a'), { ...put('b'), expect: 'absent' } as Write]);
    expect(await failure(conflict)).toMatchObject({
      code: 'STORE_CONFLICT',
      details: { key: 'b' },
      cause: expect.objectContaining({ code: 'STORE_CONFLICT' }),
    });
    expect(await failure(other.commit([put('c')]))).toMatchObject({
      code: 'STORE_LOCKED',
      details: { where: 'encrypted store' },
      cause: expect.objectContaining({ code: 'STORE_CONFLICT' }),
    });
  });

  it('of what should be there says what it is', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    const [innerKey] = (await keysOf(below, 'r/')) as [string];
    await below.commit([{ type: 'delete', key: innerKey }]);
    expect(await failure(store.get('a'))).toMatchObject({ code: 'STORE_CORRUPT', details: { what: 'a' } });
    const [node] = (await keysOf(below, 'v/')) as [string];
    await below.commit([{ type: 'delete', key: node }]);
    expect(await failure((await open(noted)).get('a'))).toMatchObject({
      code: 'STORE_CORRUPT',
      details: { what: 'part of the version index' },
    });
    const root = (await below.get('v'))!.value;
    for (const value of [root.subarray(0, 15), root.with(12, root[12]! ^ 1)]) {
      await below.commit([{ type: 'put', key: 'v', value }]);
      expect(await failure(open(noted))).toMatchObject({ details: { what: 'version index' } });
    }
    await below.commit([{ type: 'delete', key: 'v' }]);
    expect(await failure(open(noted))).toMatchObject({ details: { what: 'version index' } });
    const fresh = noting();
    await fresh.store.commit([put('something')]);
    expect(await failure(open(fresh.noted))).toMatchObject({ details: { what: 'keyring' } });
  });
});

describe('a closed store', () => {
  it('refuses all that comes after it, is closed once, and leaves no key in memory', async () => {
    const made: Uint8Array[] = [];
    const { noted } = noting();
    let closed = 0;
    noted.close = async () => void closed++;
    const recorded = (length: number) => {
      const bytes = randomBytes(length);
      if (length === 32) made.push(bytes);
      return bytes;
    };
    const store = await createEncryptedStore({
      store: noted,
      passphrase: 'x',
      randomBytes: recorded,
      passphraseCost: cheap,
    });
    await store.commit([put('a')]);
    const names = made.slice(0, 2);
    await Promise.all([store.close(), store.close()]);
    expect(closed).toBe(1);
    for (const run of [
      () => store.get('a'),
      () => store.commit([put('a')]),
      () => keysOf(store, ''),
      () => store.compact(),
      () => store.changePassphrase('y', cheap),
      () => store.removeDamaged(),
    ]) {
      expect(await failure(run())).toMatchObject({ code: 'CLOSED' });
    }
    // The first data key and the name key.
    for (const key of names) expect(key).toEqual(new Uint8Array(32));
  });

  it('closes also when its key can not be replaced', async () => {
    const { noted, store: below } = noting();
    const store = await open(noted);
    await store.commit([put('a')]);
    noted.commit = () => Promise.reject(unavailable());
    await store.close();
    noted.commit = (writes, options) => below.commit(writes, options);
    expect(await keysOf(await open(noted), '')).toEqual(['a']);
  });
});

describe('a keyring', () => {
  const keys = { version: 2 ** 40 + 7, dataKey: randomBytes(32), nameKey: randomBytes(32) };
  const sealed = async () => sealKeyring(keys, await createWrappingKey('x', cheap, randomBytes), randomBytes);
  /** With a right checksum, as by someone who knows the format. */
  const checked = (bytes: Uint8Array) => {
    const body = bytes.subarray(0, -8);
    return concatBytes(body, sha256(body).subarray(0, 8));
  };

  it('opens with the passphrase as it was', async () => {
    const opened = await openKeyring(await sealed(), 'x');
    expect(opened).toMatchObject({ ...keys, wrappingKey: { cost: cheap } });
    expect(opened.wrappingKey.salt).toHaveLength(16);
  });

  it('of another format or length, or with a cost that no honest software sets, is damaged before any work is done', async () => {
    const bytes = await sealed();
    let derived = 0;
    const argon2id = async () => {
      derived++;
      return new Uint8Array(32);
    };
    const cost = (memoryKiB: number, passes: number) => {
      const changed = bytes.slice();
      new DataView(changed.buffer).setUint32(1, memoryKiB);
      new DataView(changed.buffer).setUint32(5, passes);
      return changed;
    };
    for (const changed of [
      bytes.with(0, 1),
      bytes.with(0, 0),
      concatBytes(bytes, new Uint8Array(1)),
      bytes.slice(1),
      cost(7, 1),
      cost(256 * 1024 + 1, 1),
      cost(8, 0),
      cost(8, 11),
    ]) {
      expect(await failure(openKeyring(checked(changed), 'x', argon2id))).toMatchObject({
        code: 'STORE_CORRUPT',
        details: { what: 'keyring' },
      });
    }
    expect(derived).toBe(0);
    expect(await failure(openKeyring(checked(cost(256 * 1024, 10)), 'x', argon2id))).toMatchObject({
      code: 'STORE_WRONG_PASSPHRASE',
      cause: expect.any(Error),
    });
    expect(derived).toBe(1);
    const none = sha256(new Uint8Array(0)).subarray(0, 8);
    expect(await failure(openKeyring(none, 'x'))).toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await failure(openKeyring(checked(Uint8Array.of(9, ...none)), 'x'))).toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      details: { found: 9, supported: 2 },
    });
    for (const length of [0, 7, 8, 9]) {
      expect(await failure(openKeyring(bytes.subarray(0, length), 'x'))).toMatchObject({
        code: 'STORE_CORRUPT',
      });
    }
  });

  it.each([
    ['memoryKiB', { memoryKiB: 256 * 1024 + 1, passes: 1 }],
    ['passes', { memoryKiB: 8, passes: 1.5 }],
  ])('with a cost out of range is not made: %s', async (_, cost) => {
    expect(await failure(createWrappingKey('x', cost, randomBytes))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'passphraseCost' },
    });
  });

  it('takes the highest and the lowest cost', async () => {
    const argon2id = async () => new Uint8Array(32);
    for (const cost of [
      { memoryKiB: 256 * 1024, passes: 10 },
      { memoryKiB: 8, passes: 1 },
    ]) {
      expect((await createWrappingKey('x', cost, randomBytes, argon2id)).cost).toEqual(cost);
    }
  });

  it('overwrites what it derives from, and the key when the passphrase is wrong', async () => {
    const passwords: Uint8Array[] = [];
    const outputs: Uint8Array[] = [];
    const argon2id = async (password: Uint8Array) => {
      passwords.push(password);
      const key = new Uint8Array(32).fill(5);
      outputs.push(key);
      return key;
    };
    const bytes = await sealed();
    await failure(openKeyring(bytes, 'not x', argon2id));
    expect(passwords).toEqual([new Uint8Array(5)]);
    expect(outputs).toEqual([new Uint8Array(32)]);
    const broken = async (password: Uint8Array) => {
      passwords.push(password);
      throw new Error('no memory');
    };
    await failure(openKeyring(bytes, 'abc', broken));
    expect(passwords[1]).toEqual(new Uint8Array(3));
  });

  it.each([' ', '\u3000\t', '\u00a0'])('is not made for a blank passphrase: %j', async (passphrase) => {
    expect(await failure(createWrappingKey(passphrase, cheap, randomBytes))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'passphrase' },
    });
  });
});

describe('hidden keys', () => {
  const hider = new KeyHider(new Uint8Array(32).fill(3));
  const parts = (key: string) => hider.hide(key).innerKey.split('/');

  it('have a name for each of eight directories, and one for the rest', () => {
    expect(parts('a')).toHaveLength(2);
    expect(parts('a/b')).toHaveLength(3);
    expect(parts('a/b')[1]).toBe(parts('a/c')[1]);
    expect(parts('a/b')[2]).not.toBe(parts('a/c')[2]);
    expect(parts('1/2/3/4/5/6/7/8/9')).toHaveLength(10);
    expect(parts('1/2/3/4/5/6/7/8/9/10')).toHaveLength(10);
    expect(parts('a/').at(-1)).not.toBe(parts('a').at(-1));
    expect(hider.hidePrefix('a/b')).toBe(`${parts('a/c').slice(0, 2).join('/')}/`);
    expect(hider.hidePrefix('a')).toBe('r/');
    for (const [one, other] of [
      ['ab/c', 'xb/c'],
      ['ab/c', 'ac'],
      ['/a', 'a'],
      ['a//b', 'a/b'],
    ] as const) {
      expect(hider.hide(one).innerKey).not.toBe(hider.hide(other).innerKey);
    }
    expect(parts('session/peer/1')).toHaveLength(4);
    expect(hider.hidePrefix('session/peer/1')).toBe(`${parts('session/peer/2').slice(0, 3).join('/')}/`);
    // A directory and a record of one name have different names.
    expect(parts('a/x')[1]).not.toBe(parts('a')[1]);
  });

  it('are told from others by the length of their names', () => {
    const { innerKey, name } = hider.hide('a/b');
    expect(recordName(innerKey)).toBe(name);
    expect(name).toHaveLength(22);
    for (const other of ['r/', 'r/AAAA', `r/${'A'.repeat(43)}`, 'r/*', `r/${name}=`]) {
      expect(recordName(other)).toBeUndefined();
    }
  });

  it('can be made no more after the key was overwritten', () => {
    const gone = new KeyHider(new Uint8Array(32));
    gone.destroy();
    expect(() => gone.hide('a')).toThrow();
  });
});

describe('sealed records', () => {
  it('hold versions above 2^32, keys and values of any length', () => {
    for (const version of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
      expect(decodeVersion(encodeVersion(version))).toBe(version);
    }
    for (const key of ['', 'a', 'k'.repeat(1024)]) {
      const value = encodeUtf8('value');
      expect(decodeSealedRecord(encodeSealedRecord(key, value))).toEqual({ key, value });
    }
  });

  it('open at their place alone, with what they say of their version', () => {
    const sealer = new RecordSealer(randomBytes(32), randomBytes);
    const sealed = sealer.seal('r/1', 7, encodeUtf8('text'));
    expect(sealer.open('r/1', sealed, 'it')).toEqual({ version: 7, plaintext: encodeUtf8('text') });
    const fault = { code: 'STORE_CORRUPT', details: { what: 'it' }, cause: expect.any(Error) };
    for (const [place, bytes] of [
      ['r/2', sealed],
      ['r/1', sealed.with(7, 8)],
      ['r/1', sealed.subarray(0, 20)],
      ['r/1', new Uint8Array(0)],
    ] as const) {
      expect(() => sealer.open(place, bytes, 'it')).toThrow(expect.objectContaining(fault));
    }
  });
});

describe('a node of the tree', () => {
  const label = (number: number) => new Uint8Array(16).fill(number);
  const lock = (version: number) => createLock(version, randomBytes);

  it('finds, replaces and removes entries by their whole label', () => {
    const [one, two, three] = [lock(1), lock(2), lock(3)];
    const near = label(1).with(15, 9);
    const node = new LockNode(false).with(label(1), one).with(near, two);
    expect(node.size).toBe(2);
    expect([node.lockOf(label(1)), node.lockOf(near), node.lockOf(label(2))]).toEqual([one, two, undefined]);
    const replaced = node.with(label(1), three);
    expect([replaced.size, replaced.lockOf(label(1)), replaced.lockOf(near)]).toEqual([2, three, two]);
    expect([node.without(near).size, node.without(near).lockOf(label(1))]).toEqual([1, one]);
    expect(node.without(label(7))).toBe(node);
    expect(node.entries().map((entry) => encodeHex(entry.subarray(0, 16)))).toEqual(
      [label(1), near].map(encodeHex),
    );
    expect(decodeLock(encodeLock(three))).toEqual(three);
    // A label that begins in the middle of an entry is none.
    const shifted = node.bytes.subarray(3, 19);
    expect(node.lockOf(shifted)).toBeUndefined();
  });

  it('of branches tells children that are leaves from those that have grown', () => {
    const leaf = new LockNode(false).with(label(1), lock(1));
    const branch = new LockNode(true).with(Uint8Array.of(4), lock(1));
    const [a, b] = [lock(5), lock(6)];
    const root = withChild(new LockNode(true), 3, 0, branch, a);
    expect(childOf(root, 3, 0)).toEqual({ lock: a, isBranch: true });
    expect(childOf(root, 4, 0)).toEqual({ lock: undefined, isBranch: true });
    const second = withChild(withChild(new LockNode(true), 3, 1, leaf, a), 31, 1, branch, b);
    expect(childOf(second, 3, 1)).toEqual({ lock: a, isBranch: false });
    expect(childOf(second, 31, 1)).toEqual({ lock: b, isBranch: true });
    expect(childOf(second, 5, 1)).toEqual({ lock: undefined, isBranch: false });
    const grown = withChild(second, 3, 1, branch, b);
    expect([grown.size, childOf(grown, 3, 1)]).toEqual([2, { lock: b, isBranch: true }]);
    const shrunk = withChild(grown, 3, 1, leaf, a);
    expect([shrunk.size, childOf(shrunk, 3, 1)]).toEqual([2, { lock: a, isBranch: false }]);
    expect(withChild(shrunk, 3, 1, new LockNode(false), b).size).toBe(1);
  });

  it('digits are five bits each, from the first bit on', () => {
    const name = Uint8Array.of(0b10101_011, 0b11_00001_1, 0b0001_1111, 0b0_0000000);
    expect([0, 1, 2, 3, 4].map((depth) => digitOf(name, depth))).toEqual([
      0b10101, 0b01111, 0b00001, 0b10001, 0b11110,
    ]);
    expect(digitOf(Uint8Array.of(0xff), 1)).toBe(0b11100);
    expect([...groupByDigit([1, 2, 3, 5], (one) => one % 2)]).toEqual([
      [1, [1, 3, 5]],
      [0, [2]],
    ]);
  });
});
