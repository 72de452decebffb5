import { settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { sessionTable, skippedKeyTable } from '../src/storage/tables.js';
import { countRecords, DAY, MINUTE, meet, newNode, readText, refused, START, talk, write } from './world.js';

/** Bob has a session with Alice, and keys for so many of her messages. */
async function withLostMessages(lost: number) {
  const clock = settableClock(START);
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1', { clock })];
  await meet(alice, bob);
  await talk(alice, bob, 'first');
  const messages: Uint8Array[] = [];
  for (let i = 0; i < lost; i++) messages.push((await write(alice, bob.identity.publicKey, `${i}`)).message);
  await talk(alice, bob, 'last');
  const storedTimes = () =>
    bob.device.read(async (tx) => {
      const keys: number[] = [];
      for await (const { value } of tx.list(skippedKeyTable)) keys.push(value.storedAt);
      const sessions: bigint[] = [];
      for await (const { value } of tx.list(sessionTable)) sessions.push(value.usedAt);
      return { keys, sessions };
    });
  const expire = (time?: number) =>
    bob.device.transaction((tx) => bob.device.deleteExpired(tx, undefined, time));
  return { alice, bob, clock, messages, storedTimes, expire };
}

describe('what is deleted by its age', () => {
  it('a skipped key after more than 45 days, also from the state of its session', async () => {
    const { alice, bob, clock, messages, expire } = await withLostMessages(2);
    clock.set(START + 45 * DAY);
    await expire();
    expect(await countRecords(bob.store, 'skipped')).toBe(2);
    expect(await readText(bob, alice, messages[0]!)).toBe('dr: 0');
    clock.set(START + 45 * DAY + 1);
    await expire();
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
    expect(await refused(bob, () => readText(bob, alice, messages[1]!))).toBe('DUPLICATE_MESSAGE');
    expect(await talk(alice, bob, 'goes on')).toBe('dr: goes on');
  });

  it('a session after more than 90 days without use, with what belongs to it', async () => {
    const { alice, bob, clock, expire } = await withLostMessages(0);
    await talk(bob, alice, 'turn');
    await talk(alice, bob, 'turn');
    expect(await countRecords(bob.store, 'chain')).toBe(2);
    clock.set(START + 90 * DAY);
    await expire();
    expect(await countRecords(bob.store, 'session')).toBe(1);
    clock.set(START + 90 * DAY + 1);
    await expire();
    expect([await countRecords(bob.store, 'session'), await countRecords(bob.store, 'chain')]).toEqual([
      0, 0,
    ]);
  });

  it('keys of a session that is gone, without a trace', async () => {
    const { bob, clock, expire } = await withLostMessages(3);
    await bob.device.transaction(async (tx) => {
      for (const segments of await tx.keys(sessionTable)) tx.delete(sessionTable, ...segments);
    });
    clock.set(START + 46 * DAY);
    await expire();
    expect([await countRecords(bob.store, 'skipped'), await countRecords(bob.store, 'session')]).toEqual([
      0, 0,
    ]);
  });

  it('keys of a session whose record is damaged, and then those of the others', async () => {
    const { alice, bob, clock, expire } = await withLostMessages(2);
    const carol = await newNode('carol-1');
    await meet(carol, bob);
    await talk(carol, bob, 'first');
    await write(carol, bob.identity.publicKey, 'lost');
    await talk(carol, bob, 'last');
    for await (const { key, value } of bob.store.list('session/')) {
      const damaged = value.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
      await bob.store.commit([{ type: 'put', key, value: damaged }]);
      break;
    }
    await bob.reopen();
    clock.set(START + 46 * DAY);
    await expire();
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
    for (const one of [alice, carol]) expect(await talk(one, bob, 'on')).toBe('dr: on');
  });

  it('is told by the time that is given, not by a clock that may be wrong', async () => {
    const { bob, clock, expire } = await withLostMessages(1);
    clock.set(START + 46 * DAY);
    await expire(START + 45 * DAY);
    expect(await countRecords(bob.store, 'skipped')).toBe(1);
    await expire(START + 46 * DAY);
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
  });

  it('of more sessions than fit into one transaction: goes on where it stopped', async () => {
    const bob = await newNode('bob-1');
    const put = (name: string, usedAt: number) =>
      bob.device.transaction(async (tx) => {
        for (let i = 0; i < 300; i++) {
          const record = {
            ratchet: Uint8Array.of(1),
            ephemeralKey: new Uint8Array(0),
            handshake: new Uint8Array(0),
            suite: 0,
            endedChains: 0,
            usedAt: BigInt(usedAt),
          };
          tx.put(sessionTable, record, `${name}${String(i).padStart(3, '0')}`);
        }
      });
    await put('a', START);
    await put('b', START - 91 * DAY);
    const first = await bob.device.transaction((tx) => bob.device.deleteExpired(tx));
    expect(first).toEqual({ table: 'session', after: 'session/a255' });
    const second = await bob.device.transaction((tx) => bob.device.deleteExpired(tx, first));
    expect(second).toEqual({ table: 'session', after: 'session/b211' });
    expect(await bob.device.transaction((tx) => bob.device.deleteExpired(tx, second))).toBeUndefined();
    expect(await countRecords(bob.store, 'session')).toBe(300);
  });

  it('of one session leaves the keys of others alone', async () => {
    const { bob, clock, expire, messages } = await withLostMessages(2);
    const carol = await newNode('carol-1');
    await meet(carol, bob);
    await talk(carol, bob, 'idle from now on');
    expect(messages).toHaveLength(2);
    await bob.device.transaction(async (tx) => {
      for (const segments of await tx.keys(sessionTable)) {
        const record = (await tx.get(sessionTable, ...segments))!;
        const hasKeys = (await tx.keys(skippedKeyTable, segments)).length > 0;
        if (!hasKeys) tx.put(sessionTable, { ...record, usedAt: BigInt(START - 91 * DAY) }, ...segments);
      }
    });
    clock.set(START + 1);
    await expire();
    expect([await countRecords(bob.store, 'session'), await countRecords(bob.store, 'skipped')]).toEqual([
      1, 2,
    ]);
  });

  it('goes on with sessions when it is done with keys', async () => {
    const { bob } = await withLostMessages(0);
    await bob.device.transaction(async (tx) => {
      for (let i = 0; i < 300; i++) {
        tx.put(skippedKeyTable, { messageKey: new Uint8Array(32), storedAt: START }, 'a', '00', `${i}`);
      }
    });
    const from = { table: 'session', after: '' } as const;
    expect(await bob.device.transaction((tx) => bob.device.deleteExpired(tx, from))).toBeUndefined();
    expect(await bob.device.transaction((tx) => bob.device.deleteExpired(tx))).toMatchObject({
      table: 'skipped',
    });
  });

  it('retired prekeys, too, with the first step and once time is certain', async () => {
    const { bob, clock, expire } = await withLostMessages(0);
    clock.set(START + 2 * DAY);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    expect(await countRecords(bob.store, 'prekey')).toBe(2);
    clock.set(START + 34 * DAY);
    const from = { table: 'session', after: '' } as const;
    await bob.device.transaction((tx) => bob.device.deleteExpired(tx, from));
    expect(await countRecords(bob.store, 'prekey')).toBe(2);
    await expire();
    clock.set(START + 36 * DAY);
    await expire();
    expect(await countRecords(bob.store, 'prekey')).toBe(1);
  });

  it('what was stored by a clock that was ahead counts from now on', async () => {
    const { clock, expire, storedTimes, bob } = await withLostMessages(1);
    clock.set(START - 10 * MINUTE);
    await expire();
    expect(await storedTimes()).toEqual({ keys: [START], sessions: [BigInt(START)] });
    clock.set(START - 10 * MINUTE - 1);
    // Whatever time is given: it may be that of the clock that was ahead.
    await expire(START + 1000 * DAY);
    const now = START - 10 * MINUTE - 1;
    expect(await storedTimes()).toEqual({ keys: [now], sessions: [BigInt(now)] });
    clock.set(now + 45 * DAY + 1);
    await expire();
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
  });
});
