import { encodeHex, type PublicKey } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import type { DeviceLimits } from '../src/index.js';
import { getPeer, putPeer } from '../src/peers.js';
import type { Transaction } from '../src/storage/transaction.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { forgetStranger, getStrangers, noteSeen, noteWrote, raiseStanding } from '../src/strangers.js';
import { contextOf, countRecords, crypto, keptStore } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();
const keys = Array.from({ length: 8 }, () => crypto.secp256k1.generateKeyPair().publicKey);
const person = (number: number) => keys[number] as PublicKey;
const numberOf = (key: Uint8Array) => keys.findIndex((one) => encodeHex(one) === encodeHex(key));

function newList(limits: Partial<DeviceLimits> = {}) {
  const { store } = keptStore();
  const manager = new TransactionManager(store, crypto);
  const context = contextOf({ identity, limits });
  const change = <T>(run: (tx: Transaction) => Promise<T>) => manager.transaction(run);
  const withRecord = (tx: Transaction, who: number) =>
    getPeer(tx, person(who)).then((peer) => putPeer(tx, person(who), { ...peer, verified: true }));
  return {
    peers: () => countRecords(store, 'peer'),
    seen: (who: number) =>
      change(async (tx) => {
        await withRecord(tx, who);
        await noteSeen(tx, context, person(who));
      }),
    wrote: (who: number, what: { answered?: boolean; skippedKeys?: number } = {}) =>
      change(async (tx) => {
        await withRecord(tx, who);
        await noteWrote(tx, context, person(who), what);
      }),
    raise: (who: PublicKey, standing: 'known' | 'accepted') =>
      change((tx) => raiseStanding(tx, context, who, standing)),
    standing: (who: number) => manager.read(async (tx) => (await getPeer(tx, person(who))).standing),
    note: (who: PublicKey) =>
      change(async (tx) => {
        await noteSeen(tx, context, who);
        await noteWrote(tx, context, who);
      }),
    forget: (who: number) => change((tx) => forgetStranger(tx, person(who))),
    /** Numbers of those seen, and of those who wrote with `!` for answered and how many keys they made us keep. */
    lists: () =>
      manager.read(async (tx) => {
        const { seen, wrote, known } = await getStrangers(tx);
        const text = wrote.map(
          ({ identity, answered, skippedKeys }) =>
            `${numberOf(identity)}${answered ? '!' : ''}${skippedKeys > 0 ? ` ${skippedKeys}` : ''}`,
        );
        return [seen.map(numberOf), text, known.map(numberOf)];
      }),
  };
}

describe('the list of strangers', () => {
  it('has each once, first as seen, and from its first message on as one who wrote', async () => {
    const list = newList();
    for (const who of [0, 1, 0, 2]) await list.seen(who);
    expect(await list.lists()).toEqual([[0, 1, 2], [], []]);
    await list.wrote(1);
    await list.wrote(3);
    await list.wrote(1);
    await list.seen(1);
    expect(await list.lists()).toEqual([[0, 2], ['1', '3'], []]);
  });

  it('notes what changes of one who wrote, and nothing else of it', async () => {
    const list = newList();
    await list.wrote(0);
    await list.wrote(1, { skippedKeys: 5 });
    await list.wrote(0, { answered: true });
    await list.wrote(1, { skippedKeys: 3 });
    await list.wrote(0, { skippedKeys: 7 });
    expect(await list.lists()).toEqual([[], ['0! 7', '1 3'], []]);
    await list.wrote(0, { answered: false });
    await list.wrote(0, {});
    expect(await list.lists()).toEqual([[], ['0 7', '1 3'], []]);
  });

  it('has neither us nor those whom we know or accepted', async () => {
    const list = newList();
    await list.raise(person(0), 'known');
    await list.raise(person(1), 'accepted');
    for (const who of [person(0), person(1), identity.publicKey]) await list.note(who);
    expect(await list.lists()).toEqual([[], [], []]);
  });

  it('loses who is raised, and never lowers anyone', async () => {
    const list = newList();
    await list.seen(0);
    await list.wrote(1);
    await list.wrote(2);
    await list.raise(person(0), 'known');
    await list.raise(person(1), 'accepted');
    expect(await list.lists()).toEqual([[], ['2'], []]);
    await list.raise(person(1), 'known');
    expect([await list.standing(0), await list.standing(1), await list.standing(2)]).toEqual([
      'known',
      'accepted',
      'stranger',
    ]);
    await list.raise(person(0), 'accepted');
    expect(await list.standing(0)).toBe('accepted');
    await list.raise(identity.publicKey, 'accepted');
    expect(await list.peers()).toBe(3);
  });

  it('forgets one on demand, in whichever list it is', async () => {
    const list = newList();
    for (const who of [0, 1]) await list.seen(who);
    for (const who of [2, 3]) await list.wrote(who);
    await list.forget(1);
    await list.forget(2);
    await list.forget(7);
    expect(await list.lists()).toEqual([[0], ['3'], []]);
  });

  it('keeps so many of each kind: the oldest go, with all that is stored of them', async () => {
    const list = newList({ maxStrangersSeen: 2, maxRequests: 3 });
    for (const who of [0, 1]) await list.seen(who);
    for (const who of [2, 3, 4]) await list.wrote(who);
    expect(await list.peers()).toBe(5);
    await list.seen(5);
    expect(await list.lists()).toEqual([[1, 5], ['2', '3', '4'], []]);
    await list.wrote(6);
    expect(await list.lists()).toEqual([[1, 5], ['3', '4', '6'], []]);
    expect(await list.peers()).toBe(5);
  });

  it('remembers so many as answered: the oldest are not any more', async () => {
    const list = newList({ maxStrangerTopics: 2 });
    for (const who of [0, 1, 2]) await list.wrote(who, { answered: who !== 1 });
    expect(await list.lists()).toEqual([[], ['0!', '1', '2!'], []]);
    await list.wrote(3, { answered: true });
    expect(await list.lists()).toEqual([[], ['0', '1', '2!', '3!'], []]);
  });

  it('bounds the keys that are kept for strangers: who has the most goes, but never the last one', async () => {
    const list = newList({ maxStrangerSkippedKeys: 10 });
    await list.wrote(0, { skippedKeys: 3 });
    await list.wrote(1, { skippedKeys: 5 });
    await list.wrote(2, { skippedKeys: 2 });
    expect(await list.lists()).toEqual([[], ['0 3', '1 5', '2 2'], []]);
    await list.wrote(2, { skippedKeys: 3 });
    expect(await list.lists()).toEqual([[], ['0 3', '2 3'], []]);
    expect(await list.peers()).toBe(2);
    await list.forget(0);
    await list.wrote(2, { skippedKeys: 50 });
    expect(await list.lists()).toEqual([[], ['2 50'], []]);
    await list.wrote(3, { skippedKeys: 60 });
    expect(await list.lists()).toEqual([[], ['2 50'], []]);
  });
});
