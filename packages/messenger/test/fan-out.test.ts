import { encodeHex, SottoError, type Store, silentLogger } from '@sotto/core';
import { openMessengerDevice, peerTable } from '@sotto/device/internal';
import { describe, expect, it } from 'vitest';
import { CatchUp } from '../src/connection/catch-up.js';
import { Subscriptions } from '../src/connection/subscriptions.js';
import { FanOut } from '../src/groups/fan-out.js';
import { groupPartsLoader } from '../src/groups/load-group-parts.js';
import { toMembers } from '../src/groups/to-members.js';
import { DEFAULT_LIMITS } from '../src/index.js';
import { DeliveryTracker } from '../src/outbound/delivery-tracker.js';
import { Outbox } from '../src/outbound/outbox.js';
import { Sender } from '../src/outbound/sender.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import { fanoutTable, groupTable } from '../src/storage/tables.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, keptStore, newNode, START } from './world.js';

const me = crypto.secp256k1.generateKeyPair();
const people = Array.from({ length: 5 }, () => crypto.secp256k1.generateKeyPair().publicKey);

/** Our queue of messages to groups, in a store that may be kept and told to fail. */
async function bed({
  kept = keptStore(),
  fanoutBatch = 2,
  senderKeysFrom = DEFAULT_LIMITS.senderKeysFrom,
  maxOutboxBytes = DEFAULT_LIMITS.maxOutboxBytes,
} = {}) {
  const clock = manualClock(START);
  const view = kept.view();
  let failing = 0;
  const store: Store = {
    get: (key) => view.get(key),
    list: (prefix, options) => view.list(prefix, options),
    commit: async (writes, options) => {
      if (failing > 0 && failing-- === 1) {
        throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' });
      }
      return view.commit(writes, options);
    },
    close: async () => {},
  };
  const device = await openMessengerDevice({ identity: me, installationId: 'me-1', store, crypto, clock });
  const settings = settingsOf(me, clock, { fanoutBatch, senderKeysFrom, maxOutboxBytes });
  const events = new Events(silentLogger);
  const runtime = new Runtime(device, events, clock);
  const context = { device, events, runtime, settings };
  const tracker = new DeliveryTracker(events);
  const subscriptions = new Subscriptions(context);
  const outbox = new Outbox(context, tracker);
  const sender = new Sender(context, outbox, subscriptions);
  const catchUp = new CatchUp(context, subscriptions);
  const load = groupPartsLoader(context, () => ({ fanOut, sender, outbox, subscriptions, catchUp }));
  const fanOut: FanOut = new FanOut(context, load, sender, tracker);
  const { groups } = await load();
  return {
    kept,
    clock,
    device,
    fanOut,
    runtime,
    /** The commit after so many others fails. */
    failAfter: (commits: number) => {
      failing = commits + 1;
    },
    /** Puts so many bytes into the outbox. */
    fill: (bytes: number) =>
      device.transaction(async (tx) =>
        outbox.post(tx, { kind: 'public', name: 'chat' }, new Uint8Array(bytes)),
      ),
    make: async (...members: typeof people) => {
      const { groupId, queued } = await device.transaction(async (tx) => groups.create(tx, 'g', members));
      return { groupId, result: await queued.result() };
    },
    send: (groupId: string, onProgress?: (done: number, total: number) => void) =>
      device.transaction((tx) => groups.send(tx, groupId, bytesOf('hi'), { onProgress })),
    queue: () =>
      device.read(async (tx) => {
        const found: string[] = [];
        for await (const { segments, value } of tx.list(fanoutTable)) {
          found.push(`${segments[0]} ${value.remaining.length}${value.payload === undefined ? '' : '+'}`);
        }
        return found;
      }),
  };
}

const indexOf = (key: Uint8Array) => people.findIndex((one) => encodeHex(one) === encodeHex(key));

describe('a message to a group', () => {
  it('is encrypted for some members in each commit, and says how far it is', async () => {
    const { make, send, queue } = await bed();
    const { groupId, result } = await make(...people);
    expect(result.members.map(({ member }) => indexOf(member)).sort()).toEqual([0, 1, 2, 3, 4]);
    const progress: string[] = [];
    const queued = await send(groupId, (done, total) => progress.push(`${done} of ${total}`));
    const sent = await queued.result();
    expect(progress).toEqual(['2 of 6', '4 of 6', '6 of 6']);
    expect(sent).toMatchObject({ kind: 'group', id: queued.id, members: { length: 5 } });
    for (const { member, result: outcome } of sent.members) {
      expect(indexOf(member)).toBeGreaterThanOrEqual(0);
      expect(outcome).toEqual({ devices: [{ installationId: 'none', sent: 'dh' }], sealedSender: false });
    }
    expect(queued.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await queue()).toEqual([]);
  });

  it('has one array for the identities of a commit in its result, and keeps nothing else of its record', async () => {
    const { make, send } = await bed();
    const { groupId } = await make(...people);
    const { members } = await (await send(groupId)).result();
    const buffers = new Set(members.map(({ member }) => member.buffer));
    expect(buffers.size).toBe(3);
    for (const buffer of buffers) expect(buffer.byteLength).toBeLessThanOrEqual(2 * 33);
  });

  it('goes to our other devices, if there are any', async () => {
    const { make, send, device } = await bed();
    const { groupId } = await make(people[0]!);
    const laptop = await newNode('me-2', { identity: me });
    const bundle = await laptop.device.read((tx) => laptop.device.bundle(tx));
    await device.transaction((tx) => device.processBundle(tx, bundle));
    const membersOf = async () =>
      (await (await send(groupId)).result()).members.map(({ member }) => indexOf(member));
    expect(await membersOf()).toEqual([0]);
    await device.transaction((tx) => device.updateDevice(tx, me.publicKey, 'me-2', { enabled: true }));
    expect((await membersOf()).sort()).toEqual([-1, 0]);
  });

  it.each([
    ['to each of them', DEFAULT_LIMITS.senderKeysFrom],
    ['once to all', 2],
  ])(
    'sent %s, says which member no device of could be reached, and goes to the others',
    async (_, senderKeysFrom) => {
      const { make, send, device } = await bed({ senderKeysFrom });
      const friend = await newNode('friend');
      const bundle = await friend.device.read((one) => friend.device.bundle(one));
      await device.transaction(async (tx) => {
        await device.processBundle(tx, bundle);
        const record = (await tx.get(peerTable, encodeHex(friend.identity.publicKey)))!;
        // No point of the curve: as damage could leave it.
        const signedPreKey = Uint8Array.of(2, ...new Uint8Array(31), 5);
        const damaged = { ...record, devices: [{ ...record.devices[0]!, signedPreKey }] };
        tx.put(peerTable, damaged, encodeHex(people[1]!));
      });
      const { groupId } = await make(people[0]!, people[1]!, friend.identity.publicKey);
      const { members } = await (await send(groupId)).result();
      expect(members).toHaveLength(3);
      const byName = new Map(members.map(({ member, result }) => [indexOf(member), result]));
      expect(byName.get(0)).toEqual({
        devices: [{ installationId: 'none', sent: 'dh' }],
        sealedSender: false,
      });
      expect(byName.get(1)).toMatchObject({ failed: { code: 'NO_DEVICE_REACHED' } });
      expect(byName.get(-1)).toMatchObject({ devices: [{ installationId: 'friend' }] });
    },
  );

  it('sent once to all, goes to the devices of a member that could be given the key', async () => {
    const { make, send, device } = await bed({ senderKeysFrom: 2 });
    const friend = await newNode('phone');
    const { identity } = friend;
    for (const { device: one } of [friend, await newNode('tablet', { identity })]) {
      const bundle = await one.read((tx) => one.bundle(tx));
      await device.transaction((tx) => device.processBundle(tx, bundle));
    }
    const name = encodeHex(identity.publicKey);
    await device.transaction(async (tx) => {
      const record = (await tx.get(peerTable, name))!;
      const signedPreKey = Uint8Array.of(2, ...new Uint8Array(31), 5);
      const devices = record.devices.map((one) =>
        one.installationId === 'tablet' ? { ...one, signedPreKey } : one,
      );
      tx.put(peerTable, { ...record, devices }, name);
    });
    const { groupId } = await make(identity.publicKey);
    const { members } = await (await send(groupId)).result();
    expect(members).toMatchObject([{ result: { devices: [{ installationId: 'phone' }] } }]);
  });

  it.each([
    ['to each of them', DEFAULT_LIMITS.senderKeysFrom],
    ['once to all', 2],
  ])('sent %s, waits as a whole while the outbox is full', async (_, senderKeysFrom) => {
    const maxOutboxBytes = 20_000;
    const { make, send, queue, device, fill } = await bed({ senderKeysFrom, maxOutboxBytes });
    const friend = await newNode('friend');
    const bundle = await friend.device.read((tx) => friend.device.bundle(tx));
    await device.transaction((tx) => device.processBundle(tx, bundle));
    const { groupId } = await make(friend.identity.publicKey);
    const { details } = await fill(maxOutboxBytes).catch((error) => error);
    // Room for a message under the key, and none for the key itself.
    await fill(2 * maxOutboxBytes - details.actual - 400);
    const queued = await send(groupId);
    await expect(queued.result()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await queue()).toEqual([expect.stringMatching(/\+$/)]);
  });

  it('that the store fails for is gone on with after five seconds, where it stopped', async () => {
    const { make, send, queue, failAfter, clock, runtime } = await bed();
    const { groupId } = await make(...people);
    // Stored, and encrypted for two members: then it fails.
    failAfter(2);
    const queued = await send(groupId);
    await expect(queued.result()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await runtime.settled();
    expect(await queue()).toEqual([expect.stringMatching(/ 4\+$/)]);
    clock.advance(4_999);
    await runtime.settled();
    expect(await queue()).toHaveLength(1);
    clock.advance(1);
    await runtime.settled();
    expect(await queue()).toEqual([]);
    // Others were not kept from it.
    const next = await (await send(groupId)).result();
    expect(next.members).toHaveLength(5);
  });

  it('waits for those before it', async () => {
    const { make, send } = await bed();
    const { groupId } = await make(...people);
    const order: string[] = [];
    const [one, two] = await Promise.all([
      send(groupId, (done) => order.push(`one ${done}`)),
      send(groupId, (done) => order.push(`two ${done}`)),
    ]);
    await Promise.all([one.result(), two.result()]);
    expect(order).toEqual(['one 2', 'one 4', 'one 6', 'two 2', 'two 4', 'two 6']);
  });
});

describe('a message that nobody has to have any more', () => {
  it('of a group that is gone, or that asks for a chain that is gone: it leaves the queue', async () => {
    const { device, fanOut, make, queue } = await bed();
    const friend = await newNode('friend');
    const { publicKey } = friend.identity;
    const bundle = await friend.device.read((tx) => friend.device.bundle(tx));
    await device.transaction((tx) => device.processBundle(tx, bundle));
    const { groupId } = await make(publicKey);
    const gone = 'ab'.repeat(32);
    const toFriend = [encodeHex(publicKey)];
    const process = async (message: Omit<Parameters<typeof fanOut.enqueue>[1], 'id'>) => {
      const { result } = await device.transaction(async (tx) => fanOut.enqueue(tx, message));
      return (await result()).members;
    };
    expect(await process({ ...toMembers(toFriend, gone), payload: bytesOf('hi') })).toEqual([]);
    expect(await process({ ...toMembers([], gone), payload: bytesOf('hi'), byChain: true })).toEqual([]);
    // The changes that they haven't acknowledged yet, and no chain.
    const asked = await process({ ...toMembers(toFriend, groupId), givenChains: [crypto.randomBytes(32)] });
    expect(asked).toMatchObject([{ result: { devices: [{ installationId: 'friend' }] } }]);
    expect(await queue()).toEqual([]);
  });
});

describe('the queue', () => {
  /** A store in which messages of an earlier run wait. */
  async function interrupted() {
    const first = await bed();
    const { groupId } = await first.make(...people);
    first.runtime.close();
    const one = await first.send(groupId);
    const two = await first.send(groupId);
    for (const { result } of [one, two]) await result().catch(() => undefined);
    await first.device.transaction(async (tx) =>
      tx.put(
        fanoutTable,
        {
          ...toMembers([encodeHex(people[0]!)], groupId),
          id: new Uint8Array(16).fill(7),
        },
        '0000000000000009',
      ),
    );
    return { first, groupId, ids: [one.id, two.id, '07'.repeat(16)] };
  }

  it('of an earlier run is known after loading, and what is queued now comes behind it', async () => {
    const { first, groupId, ids } = await interrupted();
    const next = await bed({ kept: first.kept });
    await next.device.read((tx) => next.fanOut.load(tx));
    expect(await next.device.read((tx) => next.fanOut.queuedIds(tx))).toEqual(ids);
    next.runtime.close();
    await (await next.send(groupId)).result().catch(() => undefined);
    expect((await next.queue()).map((line) => Number(line.split(' ')[0]))).toEqual([1, 2, 9, 10]);
  });

  it('is worked through whole when it is resumed', async () => {
    const { first } = await interrupted();
    const next = await bed({ kept: first.kept });
    await next.device.read((tx) => next.fanOut.load(tx));
    next.fanOut.resume();
    await next.runtime.settled();
    expect(await next.queue()).toEqual([]);
  });

  it('goes on behind a message to a group whose record is damaged', async () => {
    const first = await bed();
    const { groupId: damaged } = await first.make(...people);
    const { groupId: sound } = await first.make(people[0]!);
    first.runtime.close();
    for (const groupId of [damaged, sound, damaged, sound]) {
      await (await first.send(groupId)).result().catch(() => undefined);
    }
    expect(await first.queue()).toHaveLength(4);
    const store = first.kept.view();
    const key = `${groupTable.name}/${damaged}`;
    const { value: written } = (await store.get(key))!;
    const value = written.map((byte, at) => (at === written.length - 1 ? byte ^ 1 : byte));
    await store.commit([{ type: 'put', key, value }]);
    const next = await bed({ kept: first.kept });
    await next.device.read((tx) => next.fanOut.load(tx));
    next.fanOut.resume();
    await next.runtime.settled();
    expect(await next.queue()).toEqual(['0000000000000002 6+', '0000000000000004 6+']);
  });

  it('gives up the rest of a message on demand, and how many members miss it; not a change of the group', async () => {
    const { first, ids } = await interrupted();
    const drop = (id: string) => first.device.transaction((tx) => first.fanOut.drop(tx, id));
    expect(await drop('00'.repeat(16))).toBe(0);
    expect(await drop(ids[2]!)).toBe(0);
    expect(await drop(ids[0]!)).toBe(6);
    expect(await drop(ids[0]!)).toBe(0);
    expect((await first.queue()).map((line) => line.slice(-2))).toEqual(['6+', ' 1']);
  });
});
