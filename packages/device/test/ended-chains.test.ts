import { SottoError, type Store } from '@sotto/core';
import { decodeProtocolMessage, encodeProtocolMessage } from '@sotto/protocol-codec';
import { describe, expect, it } from 'vitest';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { endedChainsOf, keepEnded, keepEndedKey } from '../src/suites/ended-chains.js';
import {
  countRecords,
  crypto,
  keptStore,
  meet,
  type Node,
  newNode,
  read,
  readText,
  refused,
  talk,
  write,
} from './world.js';

const MOST = 256;

/** Two in a session of the deployed suite. */
async function pair(): Promise<readonly [Node, Node]> {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  expect(await talk(alice, bob, 'hello')).toBe('dr: hello');
  expect(await talk(bob, alice, 'hi')).toBe('dr: hi');
  return [alice, bob];
}

/** Turns of a conversation. @returns what Alice has sent */
async function turns(alice: Node, bob: Node, count: number): Promise<readonly Uint8Array[]> {
  const sent: Uint8Array[] = [];
  for (let turn = 0; turn < count; turn++) {
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    sent.push(message);
    expect(await readText(bob, alice, message)).toBe('dr: x');
    await talk(bob, alice, 'turn');
  }
  return sent;
}

/** Hands a message over again; without its bundle it is another one as far as its id goes. */
const again = (alice: Node, bob: Node, sent: Uint8Array) => {
  const message = { ...decodeProtocolMessage(sent), bundles: [] };
  return refused(bob, () => read(bob, alice.identity.publicKey, encodeProtocolMessage(message)));
};

describe('chains that have ended', () => {
  it('are listed for their session, each in the place of the oldest; a fault of the store is none of theirs', async () => {
    const { store } = keptStore();
    let failing = false;
    const faulty: Store = {
      get: (key) =>
        failing
          ? Promise.reject(new SottoError('STORE_UNAVAILABLE', 'The disk is gone.', { reason: 'gone' }))
          : store.get(key),
      list: (...range) => store.list(...range),
      commit: (...writes) => store.commit(...writes),
      close: () => store.close(),
    };
    const manager = new TransactionManager(faulty, crypto);
    const listed = (session: string) =>
      manager.read(async (tx) => {
        const found: number[] = [];
        for await (const [first] of endedChainsOf(tx, session)) found.push(first ?? -1);
        return found.toSorted((a, b) => a - b);
      });
    await manager.transaction(async (tx) => {
      expect(keepEnded(tx, 'one', 3, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)])).toBe(6);
      keepEnded(tx, 'two', 0, [Uint8Array.of(9)]);
    });
    expect([await listed('one'), await listed('two')]).toEqual([[1, 2, 3], [9]]);
    await manager.transaction(async (tx) => keepEnded(tx, 'one', MOST + 4, [Uint8Array.of(4)]));
    expect(await listed('one')).toEqual([1, 3, 4]);
    failing = true;
    await expect(
      manager.transaction((tx) => keepEndedKey(tx, 'one', 5, Uint8Array.of(7))),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('chains that ended in a session of the deployed suite', () => {
  it('are kept up to their bound, the last ones; a repetition in an older one is not read either', async () => {
    const [alice, bob] = await pair();
    const sent = await turns(alice, bob, MOST + 4);
    // Each by its place and by its key.
    expect(await countRecords(bob.store, 'chain')).toBe(2 * MOST);
    await bob.reopen();
    for (const turn of [-2, -100, -MOST - 1]) {
      expect(await again(alice, bob, sent.at(turn) as Uint8Array)).toBe('DUPLICATE_MESSAGE');
    }
    expect(await again(alice, bob, sent.at(-MOST - 2) as Uint8Array)).toBe('AUTHENTICATION_FAILED');
    expect(await talk(alice, bob, 'on')).toBe('dr: on');
    expect(await countRecords(bob.store, 'chain')).toBe(2 * MOST);
  });

  it('of an earlier version, known by their key alone, are still known', async () => {
    const [alice, bob] = await pair();
    const [first] = await turns(alice, bob, 3);
    for await (const { key } of bob.store.list('chain/')) {
      const place = key.split('/').at(-1) as string;
      if (place.length < 4) await bob.store.commit([{ type: 'delete', key }]);
    }
    await bob.reopen();
    expect(await again(alice, bob, first as Uint8Array)).toBe('DUPLICATE_MESSAGE');
    expect(await talk(alice, bob, 'on')).toBe('dr: on');
  });

  it('one whose record is damaged is replaced, and the session goes on', async () => {
    const [alice, bob] = await pair();
    await turns(alice, bob, MOST);
    for await (const { key } of bob.store.list('chain/')) {
      const place = key.split('/').at(-1) as string;
      if (place.length < 4)
        await bob.store.commit([{ type: 'put', key, value: Uint8Array.of(1, 2, 3, 4, 5, 6) }]);
    }
    await bob.reopen();
    await turns(alice, bob, 3);
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    expect(await readText(bob, alice, message)).toBe('dr: x');
    await talk(bob, alice, 'turn');
    await talk(alice, bob, 'y');
    expect(await again(alice, bob, message)).toBe('DUPLICATE_MESSAGE');
  });
});
