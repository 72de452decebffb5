import { SottoError, type Store, type Write } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, it } from 'vitest';
import { bytesTable } from '../src/storage/table.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { bytesOf, crypto, dump } from './world.js';

const table = bytesTable('note');
const cachedTable = { ...table, name: 'cached', cached: true };

/** A store that notes what is committed, and fails when it is told to. */
function noting(store: Store = createMemoryStore()) {
  const commits: (readonly Write[])[] = [];
  const failing: SottoError[] = [];
  const noted: Store = {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    close: () => store.close(),
    async commit(writes, options) {
      const failure = failing.shift();
      if (failure !== undefined) throw failure;
      commits.push(writes);
      return store.commit(writes, options);
    },
  };
  return { store: noted, below: store, commits, failing, manager: new TransactionManager(noted, crypto) };
}

const settled = async (promises: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as { code: string }).code,
  );
const unavailable = () => new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('transactions in a burst', () => {
  it('share a commit, each sees those before it, and each is told its own', async () => {
    const { manager, commits } = noting();
    const count = async (i: number) =>
      manager.transaction(async (tx) => {
        const before = (await tx.get(cachedTable, 'counter'))?.[0] ?? 0;
        tx.put(cachedTable, Uint8Array.of(before + 1), 'counter');
        return `${i} after ${before}`;
      });
    expect(await Promise.all(numbers(5).map(count))).toEqual(numbers(5).map((i) => `${i} after ${i}`));
    expect(commits).toHaveLength(1);
    expect(await count(5)).toBe('5 after 5');
    expect(commits).toHaveLength(2);
  });

  it('a bad one is refused and leaves nothing, the others stand', async () => {
    const { manager, commits } = noting();
    const outcomes = numbers(5).map((i) =>
      manager.transaction(async (tx) => {
        tx.put(table, Uint8Array.of(i), `${i}`);
        if (i === 2) throw new SottoError('NOT_FOUND', 'No.', { what: 'device', id: '2' });
        return i;
      }),
    );
    expect(await settled(outcomes)).toEqual([0, 1, 'NOT_FOUND', 3, 4]);
    expect(commits.map((writes) => writes.map(({ key }) => key))).toEqual([
      ['note/0', 'note/1', 'note/3', 'note/4'],
    ]);
  });

  it('one whose writes no store takes hurts only itself', async () => {
    const { manager, below } = noting();
    const outcomes = numbers(4).map((i) =>
      manager.transaction(async (tx) => {
        tx.put(table, Uint8Array.of(i), `${i}`);
        tx.alongside([{ type: 'put', key: i === 1 ? 'app/\n' : `app/${i}`, value: Uint8Array.of(i) }]);
        return i;
      }),
    );
    expect(await settled(outcomes)).toEqual([0, 'INVALID_ARGUMENT', 2, 3]);
    expect(await below.get('note/1')).toBeUndefined();
    expect(await below.get('app/2')).toMatchObject({ value: Uint8Array.of(2) });
  });

  it('a commit that fails fails all that shared it, changes nothing, and may be tried again', async () => {
    const { manager, below, failing } = noting();
    await manager.transaction(async (tx) => tx.put(cachedTable, Uint8Array.of(7), 'counter'));
    const before = await dump(below);
    failing.push(unavailable());
    const run = () =>
      numbers(3).map((i) =>
        manager.transaction(async (tx) => {
          const [counter = 0] = (await tx.get(cachedTable, 'counter')) ?? [];
          tx.put(cachedTable, Uint8Array.of(counter + 1), 'counter');
          if (i === 1) throw new SottoError('NOT_FOUND', 'No.', { what: 'device', id: '1' });
          return counter;
        }),
      );
    expect(await settled(run())).toEqual(numbers(3).map(() => 'STORE_UNAVAILABLE'));
    expect(await dump(below)).toBe(before);
    expect(await settled(run())).toEqual([7, 'NOT_FOUND', 8]);
  });

  it('no one is told before it is stored', async () => {
    const { manager, store } = noting();
    const told: string[] = [];
    const commit = store.commit.bind(store);
    store.commit = async (writes, options) => {
      for (let turn = 0; turn < 20; turn++) await undefined;
      told.push('stored');
      return commit(writes, options);
    };
    const outcomes = ['one', 'two'].map(async (name) => {
      await manager.transaction(async (tx) => tx.put(table, bytesOf(name), name));
      told.push(name);
    });
    await Promise.all(outcomes);
    expect(told).toEqual(['stored', 'one', 'two']);
  });

  it('are bounded in number and bytes', async () => {
    const { manager, commits } = noting();
    const put = (length: number) => (i: number) =>
      manager.transaction(async (tx) => tx.put(table, new Uint8Array(length), `${i}`));
    await Promise.all(numbers(200).map(put(1)));
    expect(Math.max(...commits.map((writes) => writes.length))).toBe(64);
    expect(commits).toHaveLength(4);
    commits.length = 0;
    await Promise.all(numbers(8).map(put(600_000)));
    expect(commits.map((writes) => writes.length)).toEqual([2, 2, 2, 2]);
  });

  it('are bounded in the bytes of the application as well', async () => {
    const { manager, commits } = noting();
    const say = (i: number) =>
      manager.transaction(async (tx) =>
        tx.alongside([{ type: 'put', key: `app/${i}`, value: new Uint8Array(600_000) }]),
      );
    await Promise.all(numbers(4).map(say));
    expect(commits.map((writes) => writes.length)).toEqual([2, 2]);
    commits.length = 0;
    const forget = (i: number) =>
      manager.transaction(async (tx) => tx.alongside([{ type: 'delete', key: `app/${i}` }]));
    await Promise.all(numbers(4).map(forget));
    expect(commits.map((writes) => writes.length)).toEqual([4]);
  });

  it('one that lists another table shares their commit', async () => {
    const { manager, commits } = noting();
    const [, seen] = await Promise.all([
      manager.transaction(async (tx) => tx.put(table, bytesOf('a'), 'a')),
      manager.transaction(async (tx) => {
        tx.put(table, bytesOf('b'), 'b');
        return tx.keys(cachedTable);
      }),
    ]);
    expect(seen).toEqual([]);
    expect(commits).toHaveLength(1);
  });

  it('one that lists sees what those before it have stored', async () => {
    const { manager, commits } = noting();
    const put = (name: string) => manager.transaction(async (tx) => tx.put(table, bytesOf(name), name));
    const [, , seen] = await Promise.all([
      put('a'),
      put('b'),
      manager.transaction(async (tx) => tx.keys(table)),
      put('c'),
    ]);
    expect(seen).toEqual([['a'], ['b']]);
    expect(commits).toHaveLength(2);
  });

  it('writes of the application under one key: the last holds, and an expectation gets its own commit', async () => {
    const { manager, below, commits } = noting();
    const say = (text: string, expect?: number | 'absent') =>
      manager.transaction(async (tx) =>
        tx.alongside([
          { type: 'put', key: 'app/last', value: bytesOf(text), ...(expect !== undefined && { expect }) },
        ]),
      );
    await Promise.all([say('one', 'absent'), say('two')]);
    expect(commits).toHaveLength(1);
    expect(await below.get('app/last')).toMatchObject({ value: bytesOf('two') });
    const revision = (await below.get('app/last'))?.revision as number;
    expect(await settled([say('three'), say('four', revision)])).toEqual([undefined, 'STORE_CONFLICT']);
    expect(await below.get('app/last')).toMatchObject({ value: bytesOf('three') });
  });

  it('the expectation of the first write of the application holds for what several write under one key', async () => {
    const { manager, below } = noting();
    await below.commit([{ type: 'put', key: 'app/last', value: bytesOf('zero') }]);
    const say = (text: string, more: object = {}) =>
      manager.transaction(async (tx) =>
        tx.alongside([{ type: 'put', key: 'app/last', value: bytesOf(text), ...more }]),
      );
    expect(await settled([say('one', { expect: 'absent' }), say('two')])).toEqual([
      'STORE_CONFLICT',
      undefined,
    ]);
    expect(await below.get('app/last')).toMatchObject({ value: bytesOf('two') });
  });

  it('a record that was deleted is written again as one that is not there', async () => {
    const { manager } = noting();
    await manager.transaction(async (tx) => tx.put(cachedTable, bytesOf('a'), 'x'));
    await manager.transaction(async (tx) => tx.delete(cachedTable, 'x'));
    let runs = 0;
    await manager.transaction(async (tx) => {
      runs++;
      tx.put(cachedTable, bytesOf('b'), 'x');
    });
    expect(runs).toBe(1);
    expect(await manager.read((tx) => tx.get(cachedTable, 'x'))).toEqual(bytesOf('b'));
  });

  it('another writer in between: each is done over, once', async () => {
    const shared = createMemoryStore();
    const [one, two] = [noting(shared), noting(shared)];
    const count = ({ manager }: typeof one) =>
      manager.transaction(async (tx) => {
        const [counter = 0] = (await tx.get(cachedTable, 'counter')) ?? [];
        tx.put(cachedTable, Uint8Array.of(counter + 1), 'counter');
      });
    await count(one);
    await count(two);
    await Promise.all(numbers(10).map(() => count(one)));
    expect(await two.manager.read((tx) => tx.keys(cachedTable))).toHaveLength(1);
    const fresh = new TransactionManager(shared, crypto);
    expect(await fresh.read((tx) => tx.get(cachedTable, 'counter'))).toEqual(Uint8Array.of(12));
  });
});

describe('a read', () => {
  it('commits nothing, sees what was committed, and has nothing to write with', async () => {
    const { manager, commits } = noting();
    await manager.transaction(async (tx) => tx.put(table, bytesOf('one'), 'one'));
    commits.length = 0;
    const seen = await manager.read(async (tx) => {
      expect('put' in tx || 'delete' in tx || 'alongside' in tx || 'onCommit' in tx).toBe(false);
      return [await tx.get(table, 'one'), await tx.keys(table)];
    });
    expect(seen).toEqual([bytesOf('one'), [['one']]]);
    expect(commits).toHaveLength(0);
  });

  it('in a burst whose commit fails: answers with what is stored, while the writes are refused', async () => {
    const { manager, failing } = noting();
    await manager.transaction(async (tx) => tx.put(cachedTable, Uint8Array.of(1), 'counter'));
    failing.push(unavailable());
    const outcomes = [
      manager.transaction(async (tx) => tx.put(cachedTable, Uint8Array.of(2), 'counter')),
      manager.read((tx) => tx.get(cachedTable, 'counter')),
    ];
    expect(await settled(outcomes)).toEqual(['STORE_UNAVAILABLE', Uint8Array.of(1)]);
  });
});

describe('commit hooks', () => {
  it('run phase by phase, whatever the order in which they were registered, before the caller goes on', async () => {
    const { manager } = noting();
    const order: string[] = [];
    await manager.transaction(async (tx) => {
      for (const phase of ['send', 'subscribe', 'event', 'state'] as const) {
        tx.onCommit(phase, () => order.push(`${phase} 1`));
        tx.onCommit(phase, () => order.push(`${phase} 2`));
      }
      tx.put(table, bytesOf('one'), 'one');
    });
    order.push('caller');
    expect(order).toEqual([
      'state 1',
      'state 2',
      'event 1',
      'event 2',
      'subscribe 1',
      'subscribe 2',
      'send 1',
      'send 2',
      'caller',
    ]);
  });

  it('of a phase wait for those before it that take time; the caller and other transactions do not', async () => {
    const { manager } = noting();
    const order: string[] = [];
    let subscribed = () => {};
    await manager.transaction(async (tx) => {
      tx.onCommit('send', () => order.push('sent'));
      tx.onCommit('subscribe', () => new Promise<void>((resolve) => (subscribed = resolve)));
    });
    await manager.transaction(async (tx) => tx.onCommit('send', () => order.push('another')));
    order.push('caller');
    subscribed();
    await manager.settled();
    expect(order).toEqual(['another', 'caller', 'sent']);
  });

  it('of a transaction that throws, or whose commit fails, never run', async () => {
    const { manager, failing } = noting();
    let ran = 0;
    const put = (fail: boolean) =>
      manager.transaction(async (tx) => {
        tx.put(table, bytesOf('one'), 'one');
        tx.onCommit('state', () => ran++);
        if (fail) throw new SottoError('NOT_FOUND', 'No.', { what: 'device', id: '1' });
      });
    expect(await settled([put(true)])).toEqual(['NOT_FOUND']);
    failing.push(unavailable());
    expect(await settled([put(false), put(false)])).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    expect(ran).toBe(0);
    await put(false);
    expect(ran).toBe(1);
  });

  it('of one that is done over, for another writer or as it shared a commit, run once', async () => {
    const shared = createMemoryStore();
    const [one, two] = [noting(shared), noting(shared)];
    let runs = 0;
    let ran = 0;
    const count = ({ manager }: typeof one) =>
      manager.transaction(async (tx) => {
        runs++;
        const [counter = 0] = (await tx.get(cachedTable, 'counter')) ?? [];
        tx.put(cachedTable, Uint8Array.of(counter + 1), 'counter');
        tx.onCommit('state', () => ran++);
      });
    await count(one);
    await count(two);
    await Promise.all([count(one), count(one)]);
    const listed = one.manager.transaction(async (tx) => {
      runs++;
      await tx.keys(cachedTable);
      tx.onCommit('state', () => ran++);
    });
    await Promise.all([count(one), listed]);
    expect(ran).toBe(6);
    expect(runs).toBeGreaterThan(6);
  });

  it('that fail keep neither the others nor the caller from going on, and are reported', async () => {
    const reported: unknown[] = [];
    const manager = new TransactionManager(createMemoryStore(), crypto, (error) => reported.push(error));
    let sent = false;
    await manager.transaction(async (tx) => {
      tx.onCommit('event', () => {
        throw new Error('thrown');
      });
      tx.onCommit('subscribe', () => Promise.reject(new Error('rejected')));
      tx.onCommit('send', () => {
        sent = true;
      });
    });
    await manager.settled();
    expect(reported).toEqual([new Error('thrown'), new Error('rejected')]);
    expect(sent).toBe(true);
  });
});

describe('relaxed transactions', () => {
  /** A store with `sync` that notes how it is asked for what. */
  function relaxing() {
    const below = createMemoryStore();
    const calls: string[] = [];
    const failing: SottoError[] = [];
    const call = (what: string) => {
      calls.push(what);
      const failure = failing.shift();
      if (failure !== undefined) throw failure;
    };
    const store: Store = {
      get: (key) => below.get(key),
      list: (prefix, options) => below.list(prefix, options),
      close: () => below.close(),
      async commit(writes, options) {
        call(options?.durability ?? 'strict');
        return below.commit(writes, options);
      },
      async sync() {
        call('sync');
      },
    };
    return { calls, failing, manager: new TransactionManager(store, crypto) };
  }
  const RELAXED = { durability: 'relaxed' } as const;
  const write = (manager: TransactionManager, key: string, options = {}) =>
    manager.transaction(async (tx) => tx.put(table, Uint8Array.of(1), key), options);

  it('resolve and run their hooks when they are committed; durable resolves with the next strict commit', async () => {
    const { manager, calls } = relaxing();
    const order: string[] = [];
    await manager.transaction(async (tx) => {
      tx.put(table, Uint8Array.of(1), 'a');
      tx.onCommit('event', () => order.push('event'));
    }, RELAXED);
    expect(order).toEqual(['event']);
    const durable = manager.durable().then(() => order.push('durable'));
    await write(manager, 'b');
    await durable;
    expect(order).toEqual(['event', 'durable']);
    expect(calls).toEqual(['relaxed', 'strict']);
    await manager.durable();
    expect(calls).toEqual(['relaxed', 'strict']);
  });

  it('are made durable for those who wait, once, when no strict commit comes', async () => {
    const { manager, calls } = relaxing();
    await write(manager, 'a', RELAXED);
    await Promise.all([manager.durable(), manager.durable()]);
    expect(calls).toEqual(['relaxed', 'sync']);
  });

  it('that share a commit with a strict one, or of which something leaves, are strict', async () => {
    const { manager, calls } = relaxing();
    await Promise.all([write(manager, 'a', RELAXED), write(manager, 'b')]);
    for (const phase of ['subscribe', 'send'] as const) {
      await manager.transaction(async (tx) => {
        tx.put(table, Uint8Array.of(1), phase);
        tx.onCommit(phase, () => {});
      }, RELAXED);
    }
    expect(calls).toEqual(['strict', 'strict', 'strict']);
  });

  it('a strict one without changes does not resolve before what it has seen is durable', async () => {
    const { manager, calls } = relaxing();
    await write(manager, 'a', RELAXED);
    expect(await manager.transaction(async (tx) => tx.get(table, 'a'))).toEqual(Uint8Array.of(1));
    expect(calls).toEqual(['relaxed', 'sync']);
    await manager.read(async (tx) => tx.get(table, 'a'));
    expect(calls).toHaveLength(2);
  });

  it('that can not be made durable: those who wait are told, and may try again', async () => {
    const { manager, calls, failing } = relaxing();
    await write(manager, 'a', RELAXED);
    failing.push(unavailable());
    await expect(manager.durable()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await manager.durable();
    expect(calls).toEqual(['relaxed', 'sync', 'sync']);
  });

  it('are durable when all has settled', async () => {
    const { manager, calls } = relaxing();
    await write(manager, 'a', RELAXED);
    const durable = manager.durable();
    await manager.settled();
    await durable;
    expect(calls).toEqual(['relaxed', 'sync']);
  });

  it('are strict in a store that can not make them durable later', async () => {
    const { manager, commits } = noting();
    await write(manager, 'a', RELAXED);
    await manager.durable();
    expect(commits).toHaveLength(1);
  });
});
