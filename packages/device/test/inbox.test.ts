import { encodeHex, SottoError } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { createInbox, defineTable, type InboxMessage } from '../src/index.js';
import { bytesOf, dump, meet, newNode, textOf, write } from './world.js';

const codesOf = async (run: () => Promise<unknown>) =>
  run().then(
    () => 'no error',
    (error: SottoError) => error.code,
  );
const fail = (error: SottoError) => {
  throw error;
};

/** Two devices, and what the second one makes of a text of the first. */
async function two() {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  const message = async (text: string): Promise<InboxMessage> => {
    const { message: bytes } = await write(alice, bob.identity.publicKey, text);
    const sender = alice.identity.publicKey;
    const outcome = await bob.device.transaction((tx) => bob.device.decrypt(tx, sender, bytes));
    if (outcome.kind !== 'message') throw new Error(outcome.kind);
    const { messageId, senderInstallation, protection, sealed, payload } = outcome;
    const receivedAt = bob.clock.now();
    return { messageId, sender, senderInstallation, protection, sealed, payload, receivedAt, label: '' };
  };
  return { bob, message };
}

describe('an inbox', () => {
  it('gives again after a restart what was not acknowledged, in order, as it was', async () => {
    const { bob, message } = await two();
    const inbox = createInbox();
    const messages = [await message('one'), await message('two'), await message('three')];
    await bob.device.transaction(async (tx) => {
      for (const one of messages) inbox.add(tx, one);
    });
    const [one, second, three] = messages as [InboxMessage, InboxMessage, InboxMessage];
    await bob.device.transaction(async (tx) => {
      inbox.acknowledge(tx, second.messageId);
      inbox.replace(tx, { ...three, label: 'the third' });
    });
    await bob.reopen();
    const again = createInbox();
    const left = await bob.device.read((tx) => again.load(tx, fail));
    expect(left).toEqual([one, { ...three, label: 'the third' }]);
    expect(left.map(({ payload }) => textOf(payload))).toEqual(['one', 'three']);
    expect(await bob.device.read(async (tx) => again.has(tx, second.messageId))).toBe(false);
  });

  it('knows of no message that was acknowledged, or never added', async () => {
    const { bob, message } = await two();
    const inbox = createInbox();
    const one = await message('one');
    const acknowledge = () => bob.device.transaction(async (tx) => inbox.acknowledge(tx, one.messageId));
    expect(await codesOf(acknowledge)).toBe('NOT_FOUND');
    await bob.device.transaction(async (tx) => inbox.add(tx, one));
    expect(await codesOf(acknowledge)).toBe('no error');
    expect(await codesOf(acknowledge)).toBe('NOT_FOUND');
    expect(await codesOf(() => bob.device.transaction(async (tx) => inbox.replace(tx, one)))).toBe(
      'NOT_FOUND',
    );
  });

  it('has what was added until a transaction acknowledges it, and others of its commit do not see it any more', async () => {
    const { bob, message } = await two();
    const inbox = createInbox();
    const one = await message('one');
    const has = () => bob.device.read(async (tx) => inbox.has(tx, one.messageId));
    expect(await has()).toBe(false);
    await bob.device.transaction(async (tx) => inbox.add(tx, one));
    expect(await has()).toBe(true);
    const seen = await Promise.all([
      bob.device.transaction(async (tx) => {
        inbox.acknowledge(tx, one.messageId);
        return inbox.has(tx, one.messageId);
      }),
      bob.device.transaction(async (tx) => inbox.has(tx, one.messageId)),
      codesOf(() => bob.device.transaction(async (tx) => inbox.acknowledge(tx, one.messageId))),
    ]);
    expect(seen).toEqual([false, false, 'NOT_FOUND']);
    expect(await has()).toBe(false);
  });

  it('counts the bytes of what it has, after a restart as before, and exactly to its bound', async () => {
    const { bob, message } = await two();
    const one = { ...(await message('one')), payload: bytesOf('123456') };
    const other = { ...(await message('two')), payload: bytesOf('1234') };
    const small = { ...(await message('three')), payload: bytesOf('1') };
    let inbox = createInbox({ maxBytes: 10 });
    const add = (entry: InboxMessage, isRequest = false) =>
      codesOf(() => bob.device.transaction(async (tx) => inbox.add(tx, entry, isRequest)));
    expect(await add(one)).toBe('no error');
    expect(await add(other)).toBe('no error');
    expect(await add(small)).toBe('STORE_UNAVAILABLE');
    await bob.reopen();
    inbox = createInbox({ maxBytes: 10 });
    for (let round = 0; round < 2; round++) await bob.device.read((tx) => inbox.load(tx, fail));
    expect(await add(small)).toBe('STORE_UNAVAILABLE');
    await bob.device.transaction(async (tx) => inbox.acknowledge(tx, one.messageId));
    expect(await add(small, true)).toBe('no error');
    const request = bob.device.transaction(async (tx) => inbox.add(tx, small, true));
    await expect(request).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'bytes in the inbox', limit: 5, actual: 6 },
    });
    await expect(
      bob.device.transaction(async (tx) => inbox.add(tx, { ...small, payload: new Uint8Array(6) })),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', details: { reason: 'the inbox is full' } });
    const left = await bob.device.read((tx) => createInbox().load(tx, fail));
    expect(left.map(({ payload }) => textOf(payload))).toEqual(['1234', '1']);
    await expect(
      bob.device.transaction(async (tx) => inbox.acknowledge(tx, one.messageId)),
    ).rejects.toMatchObject({
      details: { what: 'message', id: encodeHex(one.messageId) },
    });
  });

  it('refuses what goes beyond its bytes, requests at half of them, and nothing has changed', async () => {
    const { bob, message } = await two();
    const inbox = createInbox({ maxBytes: 10 });
    const one = { ...(await message('one')), payload: bytesOf('123456') };
    const before = await dump(bob.store);
    const add = (isRequest: boolean) => () =>
      bob.device.transaction(async (tx) => inbox.add(tx, one, isRequest));
    expect(await codesOf(add(true))).toBe('LIMIT_EXCEEDED');
    expect(await dump(bob.store)).toBe(before);
    expect(await codesOf(add(false))).toBe('no error');
    expect(await codesOf(add(false))).toBe('STORE_UNAVAILABLE');
  });

  it('reports a damaged entry, and gives the others', async () => {
    const { bob, message } = await two();
    const inbox = createInbox();
    for (const text of ['one', 'two']) {
      const one = await message(text);
      await bob.device.transaction(async (tx) => inbox.add(tx, one));
    }
    const key = `received/${'0'.padStart(16, '0')}`;
    const value = (await bob.store.get(key))?.value as Uint8Array;
    await bob.store.commit([
      { type: 'put', key, value: value.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) },
    ]);
    await bob.reopen();
    const reported: string[] = [];
    const left = await bob.device.read((tx) =>
      createInbox().load(tx, ({ code }) => void reported.push(code)),
    );
    expect([left.map(({ payload }) => textOf(payload)), reported]).toEqual([['two'], ['STATE_CORRUPT']]);
  });
});

describe('a table of the application', () => {
  it('is stored in the commit of the message, or not at all', async () => {
    const notes = defineTable<string>({ name: 'note', encode: bytesOf, decode: textOf });
    const { device } = await newNode('alice-1');
    const failing = device.transaction(async (tx) => {
      tx.put(notes, 'first', '1');
      throw new SottoError('NOT_FOUND', 'No.', { what: 'device', id: '1' });
    });
    expect(await codesOf(() => failing)).toBe('NOT_FOUND');
    await device.transaction(async (tx) => tx.put(notes, 'second', '2'));
    expect(await device.read((tx) => tx.keys(notes))).toEqual([['2']]);
    expect(await device.read((tx) => tx.get(notes, '2'))).toBe('second');
  });
});
