import { settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import {
  countRecords,
  DAY,
  HOUR,
  MINUTE,
  meet,
  type Node,
  newNode,
  read,
  readText,
  refused,
  START,
  talk,
  write,
} from './world.js';

const publish = (node: Node) =>
  node.device.transaction((tx) => node.device.encodePublic(tx, new TextEncoder().encode('public')));
const deleteExpired = (node: Node) => node.device.transaction((tx) => node.device.deleteExpired(tx));
/** The prekey that a message sent now would show. */
const preKeyOf = (node: Node) =>
  node.device.transaction(async (tx) => {
    await node.device.rotatePreKeyIfDue(tx);
    return node.device.currentPreKey(tx);
  });

describe('a start with a wrong clock', () => {
  it.each([
    ['100 days ahead', 100 * DAY],
    ['10 years ahead', 3650 * DAY],
    ['100 days behind', -100 * DAY],
  ])('%s deletes neither what is remembered nor retired prekeys', async (_, off) => {
    const clock = settableClock(START);
    const bob = await newNode('bob-1', { clock });
    const alice = await newNode('alice-1', { clock });
    await meet(alice, bob);
    const onItsWay = await write(alice, bob.identity.publicKey, 'on its way');
    const said = await publish(alice);
    expect(await readText(bob, alice, said)).toBe('public: public');
    clock.advance(25 * HOUR);
    await preKeyOf(bob);
    expect(await countRecords(bob.store, 'prekey')).toBe(2);
    const right = clock.now();
    clock.set(right + off);
    await bob.reopen();
    await deleteExpired(bob);
    clock.set(right + HOUR);
    await bob.reopen();
    await deleteExpired(bob);
    expect(await refused(bob, () => readText(bob, alice, said))).toBe('DUPLICATE_MESSAGE');
    expect(await readText(bob, alice, onItsWay.message)).toBe('dr: on its way');
  });

  it('a prekey made by a clock that was ahead is replaced when it is next used', async () => {
    const clock = settableClock(START + 3650 * DAY);
    const bob = await newNode('bob-1', { clock });
    const ofTheFuture = await preKeyOf(bob);
    clock.set(START);
    const replaced = await preKeyOf(bob);
    expect(replaced.version).toBe(ofTheFuture.version + 1);
    expect((await preKeyOf(bob)).version).toBe(replaced.version);
  });

  it('a prekey retired by a clock that was ahead is deleted within grace of the right time', async () => {
    const clock = settableClock(START + 3650 * DAY);
    const bob = await newNode('bob-1', { clock });
    clock.advance(25 * HOUR);
    await preKeyOf(bob);
    clock.set(START);
    for (let day = 0; day < 36; day++) {
      clock.advance(DAY + MINUTE);
      await bob.reopen();
      await preKeyOf(bob);
    }
    // One a day for as long as the grace lasts, and none of the future.
    expect(await countRecords(bob.store, 'prekey')).toBeLessThanOrEqual(33);
    for await (const { value } of bob.store.list('prekey/')) expect(value.length).toBeGreaterThan(0);
    clock.advance(40 * DAY);
    await bob.reopen();
    clock.advance(2 * DAY);
    await bob.reopen();
    expect(await countRecords(bob.store, 'prekey')).toBe(1);
  });

  it.each([13 * DAY, 20 * DAY, 60 * DAY, -20 * DAY])(
    'a public message that comes again after the clock was set back by %d ms is taken once',
    async (ahead) => {
      const alice = await newNode('alice-1');
      const clock = settableClock(START + ahead);
      const bob = await newNode('bob-1', { clock });
      const said = await publish(alice);
      expect(await readText(bob, alice, said)).toBe('public: public');
      clock.set(START);
      expect(await refused(bob, () => readText(bob, alice, said))).toBe('DUPLICATE_MESSAGE');
    },
  );
});

describe('a clock that was ahead for days', () => {
  it('and was set right: what comes from then on is taken within two days, and nothing of before twice', async () => {
    const alice = await newNode('alice-1');
    const clock = settableClock(START);
    const bob = await newNode('bob-1', { clock });
    const said = await publish(alice);
    expect(await readText(bob, alice, said)).toBe('public: public');
    for (let day = 0; day < 3; day++) {
      clock.set(START + (100 + day) * DAY + day * MINUTE);
      await bob.reopen();
      await deleteExpired(bob);
    }
    for (let day = 3; day < 6; day++) {
      clock.set(START + day * DAY + day * MINUTE);
      alice.clock.advance(clock.now() - alice.clock.now());
      await bob.reopen();
      await deleteExpired(bob);
      expect(await refused(bob, () => readText(bob, alice, said))).toBe('MESSAGE_TOO_OLD');
    }
    expect(await readText(bob, alice, await publish(alice))).toBe('public: public');
  });
});

describe('messages that are dated at will', () => {
  it('make what is remembered of days no larger than there can be honest ones', async () => {
    const clock = settableClock(START);
    const [alice, bob] = [await newNode('alice-1', { clock }), await newNode('bob-1', { clock })];
    for (let day = 1; day <= 300; day++) {
      clock.set(START - day * DAY);
      const said = await publish(alice);
      clock.set(START);
      await readText(bob, alice, said).catch(() => {});
    }
    const index = await bob.store.get('seenindex/all');
    expect(index?.value.length).toBeLessThan(200 * 16);
    // Those of today are taken, and once.
    const today = await publish(alice);
    expect(await readText(bob, alice, today)).toBe('public: public');
    expect(await refused(bob, () => readText(bob, alice, today))).toBe('DUPLICATE_MESSAGE');
  });
});

describe('a device that was made by a clock that was ahead', () => {
  it('reports messages that it cannot read all the same', async () => {
    const clock = settableClock(START + 365 * DAY);
    const bob = await newNode('bob-1', { clock });
    clock.set(START);
    const [alice, other] = [await newNode('alice-1'), await newNode('bob-2', { identity: bob.identity })];
    await meet(alice, other);
    const { message } = await write(alice, bob.identity.publicKey, 'not for this device');
    const outcome = await read(bob, alice.identity.publicKey, message);
    expect(outcome).toMatchObject({ kind: 'unreadable', remedy: { answer: true, report: true } });
  });
});

describe('what ends by time', () => {
  it('keys of messages that never came, and sessions in which nothing happened', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    await talk(alice, bob, '0');
    await talk(bob, alice, '0');
    const lost: Uint8Array[] = [];
    for (let i = 0; i < 50; i++) lost.push((await write(alice, bob.identity.publicKey, `lost ${i}`)).message);
    expect(await talk(alice, bob, 'seen')).toBe('dr: seen');
    expect(await countRecords(bob.store, 'skipped')).toBe(50);
    bob.clock.advance(40 * DAY);
    await deleteExpired(bob);
    expect(await countRecords(bob.store, 'skipped')).toBe(50);
    expect(await readText(bob, alice, lost[3] as Uint8Array)).toBe('dr: lost 3');
    bob.clock.advance(10 * DAY);
    await deleteExpired(bob);
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
    expect(await refused(bob, () => readText(bob, alice, lost[4] as Uint8Array))).not.toBe('no error');
    expect(await talk(alice, bob, 'the session goes on')).toBe('dr: the session goes on');
    bob.clock.advance(91 * DAY);
    await deleteExpired(bob);
    expect(await countRecords(bob.store, 'session')).toBe(0);
    expect(await countRecords(bob.store, 'chain')).toBe(0);
  });

  it('nothing of it in a session that is used', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    for (let week = 0; week < 20; week++) {
      expect(await talk(alice, bob, `${week}`)).toBe(`dr: ${week}`);
      bob.clock.advance(7 * DAY);
      await deleteExpired(bob);
    }
    expect(await countRecords(bob.store, 'session')).toBe(1);
  });

  it('goes on where it stopped: more than fits into one transaction', async () => {
    const bob = await newNode('bob-1');
    const alice = await newNode('alice-1');
    await meet(alice, bob);
    for (let i = 0; i < 600; i++) await write(alice, bob.identity.publicKey, 'lost');
    await talk(alice, bob, 'seen');
    bob.clock.advance(50 * DAY);
    let steps = 1;
    for (let position = await deleteExpired(bob); position !== undefined; steps++) {
      const from = position;
      position = await bob.device.transaction((tx) => bob.device.deleteExpired(tx, from));
    }
    expect(steps).toBeGreaterThan(2);
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
  });
});
