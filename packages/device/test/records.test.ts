import { SottoError, type Store } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, it } from 'vitest';
import { defineTable } from '../src/index.js';
import { type InboxMessage, receivedTable } from '../src/storage/received-table.js';
import { decodeSkippedKey, encodeSkippedKey } from '../src/storage/skipped-key-record.js';
import { bytesTable, decodeRecord, encodeRecord, recordKey, table } from '../src/storage/table.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { bytesOf, crypto } from './world.js';

const notes = bytesTable('note');

/** What `run` throws. */
function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a stored record', () => {
  const key = recordKey(notes, ['1']);
  const bytes = encodeRecord(crypto, notes, key, bytesOf('text'));
  const read = (changed: Uint8Array, of = notes) => decodeRecord(crypto, of, key, changed);

  it('is framed by a format byte and a checksum over its key and itself', () => {
    expect(bytes.length).toBe(1 + 4 + 4);
    expect(read(bytes)).toEqual(bytesOf('text'));
    expect(read(encodeRecord(crypto, notes, key, new Uint8Array(0)))).toEqual(new Uint8Array(0));
    expect(thrown(() => decodeRecord(crypto, notes, recordKey(notes, ['2']), bytes))).toMatchObject({
      code: 'STATE_CORRUPT',
    });
  });

  it('that is damaged says how', () => {
    const undecodable = table<string>('note', {
      encode: bytesOf,
      decode: () => {
        throw new RangeError('cut off');
      },
    });
    for (const [changed, reason, of] of [
      [new Uint8Array(0), 'too short', notes],
      [new Uint8Array([1, 0, 0, 0]), 'too short', notes],
      [new Uint8Array([1, 0, 0, 0, 0]), 'the checksum does not fit', notes],
      [bytes.with(8, bytes[8]! ^ 1), 'the checksum does not fit', notes],
      [bytes.with(2, 0), 'the checksum does not fit', notes],
      [bytes, 'it cannot be decoded', undecodable],
    ] as const) {
      expect(thrown(() => read(changed, of as typeof notes))).toMatchObject({
        code: 'STATE_CORRUPT',
        details: { what: 'note', reason },
      });
    }
    expect(thrown(() => read(bytes, undecodable as never))).toMatchObject({
      cause: new RangeError('cut off'),
    });
  });

  it('of a newer format is told apart from damage', () => {
    expect(thrown(() => read(bytes.with(0, 2)))).toMatchObject({
      code: 'STATE_VERSION_UNSUPPORTED',
      details: { what: 'note', version: 2 },
    });
  });

  it('of a received message says how it travelled, which has to be known', () => {
    const message: InboxMessage = {
      messageId: new Uint8Array(32),
      sender: new Uint8Array(33),
      senderInstallation: 'alice-1',
      protection: 'dr',
      sealed: false,
      payload: bytesOf('x'),
      receivedAt: 1234,
      label: '',
    };
    for (const protection of ['dr', 'dh', 'public'] as const) {
      const encoded = receivedTable.encode({ ...message, protection, receivedAt: 1234.5 });
      expect(receivedTable.decode(encoded)).toEqual({ ...message, protection });
    }
    expect(receivedTable.decode(receivedTable.encode({ ...message, sealed: true })).sealed).toBe(true);
    expect(() => receivedTable.decode(new Uint8Array(0))).toThrow('protection');
  });

  it('of a skipped key has its key and its time; one from before there was a time has none', () => {
    const messageKey = crypto.randomBytes(32);
    expect(decodeSkippedKey(encodeSkippedKey({ messageKey, storedAt: 1234.5 }))).toEqual({
      messageKey,
      storedAt: 1234,
    });
    expect(decodeSkippedKey(messageKey)).toEqual({ messageKey, storedAt: 0 });
    for (const length of [0, 31, 33, 39, 41]) {
      expect(thrown(() => decodeSkippedKey(new Uint8Array(length)))).toMatchObject({
        code: 'STATE_CORRUPT',
        details: { what: 'skipped', reason: 'wrong length' },
      });
    }
  });
});

describe('listing records', () => {
  /** Three notes, the second of them damaged, over a store whose listing ends with `failure` if there is one. */
  async function damaged(failure?: Error) {
    const below = createMemoryStore();
    const writer = new TransactionManager(below, crypto);
    await writer.transaction(async (tx) => {
      for (const name of ['a', 'b', 'c/d']) tx.put(notes, bytesOf(name), name);
    });
    const entry = (await below.get('note/b'))!;
    await below.commit([{ type: 'put', key: 'note/b', value: entry.value.with(2, entry.value[2]! ^ 1) }]);
    const store: Store = {
      get: (key) => below.get(key),
      commit: (writes, options) => below.commit(writes, options),
      close: () => below.close(),
      async *list(prefix, options) {
        yield* below.list(prefix, options);
        if (failure !== undefined) throw failure;
      },
    };
    const manager = new TransactionManager(store, crypto);
    const reported: string[] = [];
    return {
      reported,
      manager,
      list: (tolerant: boolean) =>
        manager.read(async (tx) => {
          const found: (readonly string[])[] = [];
          const onDamaged = tolerant
            ? (key: string, error: unknown) => void reported.push(`${key} ${(error as SottoError).code}`)
            : undefined;
          for await (const { segments } of tx.list(notes, [], onDamaged)) found.push(segments);
          return found;
        }),
      page: (after: string, limit: number) =>
        manager.read(async (tx) => {
          const { records, next } = await tx.page(notes, after, limit);
          return { found: records.map(({ segments }) => segments), next };
        }),
      keys: (limit?: number) => manager.read((tx) => tx.keys(notes, [], limit)),
    };
  }
  const corrupt = new SottoError('STORE_CORRUPT', 'Damaged.', { what: 'a record' });
  const unavailable = new SottoError('STORE_UNAVAILABLE', 'The disk is gone.', { reason: 'gone' });

  it('reports a damaged one where that is asked for, and ends with it otherwise', async () => {
    const { list, reported } = await damaged();
    expect(await list(true)).toEqual([['a'], ['c/d']]);
    expect(reported).toEqual(['note/b STATE_CORRUPT']);
    await expect(list(false)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });

  it('reports what the store found damaged, after the others; no other fault of the store is passed over', async () => {
    const one = await damaged(corrupt);
    expect(await one.list(true)).toEqual([['a'], ['c/d']]);
    expect(one.reported).toEqual(['note/b STATE_CORRUPT', 'note/ STORE_CORRUPT']);
    const other = await damaged(unavailable);
    await expect(other.list(true)).rejects.toBe(unavailable);
  });

  it('in pages leaves out damaged ones and counts them; where a page is not full, there is no next', async () => {
    const { page } = await damaged();
    expect(await page('', 2)).toEqual({ found: [['a']], next: 'note/b' });
    expect(await page('note/b', 2)).toEqual({ found: [['c/d']], next: undefined });
    expect(await page('', 3)).toEqual({ found: [['a'], ['c/d']], next: 'note/c%2Fd' });
    expect(await page('note/c%2Fd', 3)).toEqual({ found: [], next: undefined });
  });

  it('in pages, and of keys, goes on where the store finds damage, and with no other fault', async () => {
    const one = await damaged(corrupt);
    expect(await one.page('', 5)).toEqual({ found: [['a'], ['c/d']], next: undefined });
    expect(await one.keys()).toEqual([['a'], ['b'], ['c/d']]);
    const other = await damaged(unavailable);
    await expect(other.page('', 5)).rejects.toBe(unavailable);
    await expect(other.keys()).rejects.toBe(unavailable);
  });

  it('in pages ends with a fault that is no damage of a record', async () => {
    const store = createMemoryStore();
    const manager = new TransactionManager(store, crypto);
    await manager.transaction(async (tx) => tx.put(notes, bytesOf('a'), 'a'));
    const { value } = (await store.get('note/a'))!;
    await store.commit([{ type: 'put', key: 'note/a', value: value.with(0, 2) }]);
    await expect(manager.read((tx) => tx.page(notes, '', 5))).rejects.toMatchObject({
      code: 'STATE_VERSION_UNSUPPORTED',
    });
  });

  it('gives as many keys as are asked for, and those of some first segments', async () => {
    const { keys, manager } = await damaged();
    expect(await keys(2)).toEqual([['a'], ['b']]);
    await manager.transaction(async (tx) => tx.put(notes, bytesOf('x'), 'a', 'below'));
    expect(await manager.read((tx) => tx.keys(notes, ['a']))).toEqual([['a', 'below']]);
  });
});

describe('a transaction', () => {
  const cached = { ...notes, name: 'cached', cached: true };
  const manage = (store: Store = createMemoryStore()) => new TransactionManager(store, crypto);

  it('sees what it and those before it in the same commit have deleted', async () => {
    const manager = manage();
    await manager.transaction(async (tx) => {
      tx.put(notes, bytesOf('one'), '1');
      tx.put(notes, bytesOf('two'), '2');
      expect(tx.deletes(notes, '1')).toBe(false);
    });
    const [first, second] = await Promise.all([
      manager.transaction(async (tx) => {
        tx.delete(notes, '1');
        return [tx.deletes(notes, '1'), tx.deletes(notes, '2'), await tx.get(notes, '1')];
      }),
      manager.transaction(async (tx) => [tx.deletes(notes, '1'), await tx.get(notes, '1')]),
    ]);
    expect([first, second]).toEqual([
      [true, false, undefined],
      [true, undefined],
    ]);
    expect(await manager.read(async (tx) => tx.deletes(notes, '1'))).toBe(false);
  });

  it('reads a record of a cached table from the store once, also one that is not there', async () => {
    const below = createMemoryStore();
    const read: string[] = [];
    const manager = manage({
      get: (key) => {
        read.push(key);
        return below.get(key);
      },
      list: (prefix, options) => below.list(prefix, options),
      commit: (writes, options) => below.commit(writes, options),
      close: () => below.close(),
    });
    const get = (of: typeof notes, name: string) => manager.read((tx) => tx.get(of, name));
    for (let i = 0; i < 3; i++) expect(await get(cached, 'none')).toBeUndefined();
    await manager.transaction(async (tx) => tx.put(cached, bytesOf('one'), '1'));
    for (let i = 0; i < 3; i++) expect(await get(cached, '1')).toEqual(bytesOf('one'));
    await manager.transaction(async (tx) => tx.delete(cached, '1'));
    for (let i = 0; i < 3; i++) expect(await get(cached, '1')).toBeUndefined();
    expect(read).toEqual(['cached/none']);
    for (let i = 0; i < 2; i++) await get(notes, 'none');
    await manager.transaction(async (tx) => tx.put(notes, bytesOf('one'), '1'));
    for (let i = 0; i < 2; i++) await get(notes, '1');
    expect(read).toEqual(['cached/none', 'note/none', 'note/none', 'note/1', 'note/1']);
    // As a table of an application unless it says otherwise.
    const plain = defineTable({ name: 'mine', encode: bytesOf, decode: String });
    await get(plain as never, '1');
    await get(plain as never, '1');
    expect(read.slice(5)).toEqual(['mine/1', 'mine/1']);
  });

  it('writes of the application stand under a prefix of their own', async () => {
    const manager = manage();
    const outcome = manager.transaction(async (tx) =>
      tx.alongside([
        { type: 'put', key: 'app/1', value: bytesOf('x') },
        { type: 'put', key: 'apple', value: bytesOf('x') },
      ]),
    );
    await expect(outcome).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'key of a record', reason: "doesn't begin with app/" },
    });
  });

  it('is given up when another writer was faster four times', async () => {
    const below = createMemoryStore();
    const manager = manage(below);
    const other = manage(below);
    const put = (by: TransactionManager) =>
      by.transaction(async (tx) => {
        await tx.get(cached, 'x');
        tx.put(cached, bytesOf('x'), 'x');
      });
    await put(manager);
    const attempt = (faster: number) => {
      let runs = 0;
      const outcome = manager.transaction(async (tx) => {
        await tx.get(cached, 'x');
        if (runs++ < faster) await put(other);
        tx.put(cached, bytesOf('mine'), 'x');
      });
      return outcome.then(
        () => runs,
        (error: SottoError) => `${error.code} after ${runs}`,
      );
    };
    expect(await attempt(3)).toBe(4);
    expect(await attempt(4)).toBe('STORE_CONFLICT after 4');
  });

  it('hooks that fail while their fault is reported keep nothing from going on', async () => {
    const rejections: unknown[] = [];
    const listener = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', listener);
    try {
      const manager = new TransactionManager(createMemoryStore(), crypto, () => {
        throw new Error('of the report');
      });
      await manager.transaction(async (tx) =>
        tx.onCommit('event', () => {
          throw new Error('of the hook');
        }),
      );
      expect(await manager.transaction(async () => 'goes on')).toBe('goes on');
      await expect.poll(() => rejections).toEqual([new Error('of the report')]);
    } finally {
      process.off('unhandledRejection', listener);
    }
  });
});
