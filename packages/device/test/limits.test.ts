import { encodeHex } from '@sotto/core';
import { encrypt, secp256k1Suite, startInitiator } from '@sotto/double-ratchet';
import { encodeProtocolMessage } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp, initiateX3dh, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../src/index.js';
import { decodeRecord, encodeRecord, recordKey } from '../src/storage/table.js';
import { peerTable } from '../src/storage/tables.js';
import {
  bytesOf,
  countRecords,
  crypto,
  DAY,
  keptStore,
  meet,
  type Node,
  newNode,
  read,
  readText,
  START,
  talk,
  write,
} from './world.js';

/** First messages in sessions of their own, each from another made-up device of one identity. */
async function fromMadeUpDevices(to: Node, count: number) {
  const identity = crypto.secp256k1.generateKeyPair();
  const suite = secp256k1Suite(crypto);
  const bundle = await to.device.transaction((tx) => to.device.bundle(tx));
  const preKey = bundle.signedPreKeys.get(to.name)?.signedPreKey as never;
  const messages = Array.from({ length: count }, (_, i) => {
    const { sharedKey, ephemeralKey } = initiateX3dh(crypto, {
      identity,
      remoteIdentity: to.identity.publicKey,
      signedPreKey: preKey,
    });
    const { message } = encrypt(suite, startInitiator(suite, sharedKey, preKey), bytesOf(`${i}`));
    const entry = {
      x3dhHeader: { key: ephemeralKey, id: preKey as Uint8Array },
      drHeader: { ...message.header, id: preKey as Uint8Array },
      payload: message.body,
    };
    return encodeProtocolMessage({
      installationId: `made-up-${i}`.padEnd(200, 'x'),
      bundles: [],
      directMessages: new Map([[to.name, entry]]),
      publicMessage: undefined,
    });
  });
  return { identity, messages };
}

/** A public message with the bundle of an identity no one knows, and of many devices. */
function fromStranger(i: number, time = START): { sender: Uint8Array; message: Uint8Array } {
  const identity = crypto.secp256k1.generateKeyPair();
  const { publicKey: signedPreKey } = identity;
  const devices = Array.from({ length: 16 }, (_, j) => [
    `d${j}`.padEnd(250, 'x'),
    { signedPreKey, version: 1, protocolVersion: 1 },
  ]);
  return {
    sender: identity.publicKey,
    message: encodeProtocolMessage({
      installationId: 'd0',
      bundles: [
        signBundle(crypto, identity, {
          signedPreKeys: new Map(devices as never),
          timestamp: bundleTimestamp(time),
        }),
      ],
      directMessages: new Map(),
      publicMessage: bytesOf(`${i}`),
    }),
  };
}

describe('what outsiders can grow', () => {
  it('made-up devices of one peer: as many are kept as are remembered, with their sessions', async () => {
    const bob = await newNode('bob-1');
    const { identity, messages } = await fromMadeUpDevices(bob, 100);
    for (const message of messages) {
      expect((await read(bob, identity.publicKey, message)).kind).toBe('message');
    }
    const devices = await bob.device.transaction((tx) => bob.device.devices(tx, identity.publicKey));
    expect(devices).toHaveLength(16);
    expect(await countRecords(bob.store, 'session')).toBe(16);
    expect(await countRecords(bob.store, 'peer')).toBe(1);
  });

  it('a record with more devices than are remembered, from before there was a bound, shrinks', async () => {
    const bob = await newNode('bob-1');
    const { identity, messages } = await fromMadeUpDevices(bob, 20);
    await read(bob, identity.publicKey, messages[0] as Uint8Array);
    const key = recordKey(peerTable, [encodeHex(identity.publicKey)]);
    const record = decodeRecord(crypto, peerTable, key, (await bob.store.get(key))?.value as Uint8Array);
    const [one] = record.devices as [(typeof record.devices)[number]];
    const devices = Array.from({ length: 2000 }, (_, i) => ({
      ...one,
      installationId: `old-${i}`,
      sessions: [],
    }));
    const value = encodeRecord(crypto, peerTable, key, { ...record, devices });
    await bob.store.commit([{ type: 'put', key, value }]);
    await bob.reopen();
    expect((await read(bob, identity.publicKey, messages[1] as Uint8Array)).kind).toBe('message');
    const left = await bob.device.transaction((tx) => bob.device.devices(tx, identity.publicKey));
    expect(left).toHaveLength(16);
  });

  it('a new device is not forgotten for the many that wrote before it', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    for (let i = 0; i < 20; i++) {
      const phone = await newNode(`phone-${i}`, {
        identity: alice.identity,
        clock: manualClock(START + i * 60_000),
      });
      bob.clock.advance(60_000);
      await meet(phone, bob);
      expect(await talk(phone, bob, `${i}`)).toBe(`dr: ${i}`);
    }
    const { devices } = await write(bob, alice.identity.publicKey, 'x');
    expect(devices.map(({ installationId }) => installationId)).toContain('phone-19');
  });

  it('sessions of one identity', async () => {
    const [alice, bob] = [
      await newNode('alice-1'),
      await newNode('bob-1', { limits: { maxSessionsPerIdentity: 5 } }),
    ];
    await meet(alice, bob);
    for (let i = 0; i < 8; i++) {
      const { message } = await write(alice, bob.identity.publicKey, `${i}`);
      expect(await readText(bob, alice, message)).toBe(`dr: ${i}`);
      await alice.device.transaction((tx) => alice.device.resetSessions(tx, bob.identity.publicKey));
    }
    expect(await countRecords(bob.store, 'session')).toBe(5);
    expect(await talk(alice, bob, 'x')).toBe('dr: x');
  });

  it('strangers whose bundles were seen: the oldest are forgotten, those we wrote to are not', async () => {
    const bob = await newNode('bob-1', { limits: { maxStrangersSeen: 8 } });
    const carol = await newNode('carol-1');
    await meet(bob, carol);
    await write(bob, carol.identity.publicKey, 'hi');
    for (let i = 0; i < 40; i++) {
      const { sender, message } = fromStranger(i);
      await read(bob, sender as never, message);
    }
    expect(await countRecords(bob.store, 'peer')).toBe(9);
    expect((await write(bob, carol.identity.publicKey, 'still')).devices[0]?.installationId).toBe('carol-1');
  });

  it('message keys kept for strangers: who made us keep the most is forgotten', async () => {
    const bob = await newNode('bob-1', { limits: { maxStrangerSkippedKeys: 300 } });
    const senders: Node[] = [];
    for (let i = 0; i < 4; i++) {
      const sender = await newNode(`sender-${i}`);
      senders.push(sender);
      await meet(sender, bob);
      let last: Uint8Array | undefined;
      for (let n = 0; n <= (i === 1 ? 200 : 90); n++) {
        last = (await write(sender, bob.identity.publicKey, `${n}`)).message;
      }
      await read(bob, sender.identity.publicKey, last as Uint8Array);
    }
    expect(await countRecords(bob.store, 'skipped')).toBe(270);
    expect(await countRecords(bob.store, 'session')).toBe(3);
  });

  it('messages outside of sessions: the oldest days go first, and are refused from then on', async () => {
    const bob = await newNode('bob-1', { limits: { maxSeenMessages: 20 } });
    const alice = await newNode('alice-1', { clock: bob.clock });
    const said: Uint8Array[] = [];
    for (let day = 0; day < 6; day++) {
      for (let i = 0; i < 5; i++) {
        const message = await alice.device.transaction((tx) =>
          alice.device.encodePublic(tx, bytesOf(`${day} ${i}`)),
        );
        said.push(message);
        expect(await readText(bob, alice, message)).toBe(`public: ${day} ${i}`);
      }
      bob.clock.advance(DAY);
    }
    expect(await countRecords(bob.store, 'seen')).toBe(20);
    const codes = new Set<string>();
    for (const message of said) {
      await read(bob, alice.identity.publicKey, message).catch(({ code }) => codes.add(code));
    }
    expect(codes).toEqual(new Set(['MESSAGE_TOO_OLD', 'DUPLICATE_MESSAGE']));
  });
});

/** A store, and a provider, that count how often they are called. */
function counters() {
  const counts = { store: 0, crypto: 0 };
  const counted = <T extends object>(target: T, add: () => void): T =>
    new Proxy(target, {
      get(of, name) {
        const value = Reflect.get(of, name);
        if (typeof value === 'object' && value !== null) return counted(value, add);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          add();
          return value.apply(of, args);
        };
      },
    });
  return { counts, counted };
}

describe('what a message costs', () => {
  it('at every bound as little as in an empty store, within a factor of two', async () => {
    const cost = async (isFull: boolean) => {
      const { counts, counted } = counters();
      const identity = crypto.secp256k1.generateKeyPair();
      const clock = manualClock(START);
      const { view } = keptStore();
      const open = () =>
        openDevice({
          identity,
          installationId: 'bob-1',
          store: counted(view(), () => counts.store++),
          crypto: counted(crypto, () => counts.crypto++),
          clock,
        });
      const bob = { name: 'bob-1', identity, clock, device: await open() } as unknown as Node;
      const carol = await newNode('carol-1');
      await meet(carol, bob);
      await meet(bob, carol);
      await talk(bob, carol, 'hi');
      await talk(carol, bob, 'hi');
      if (isFull) {
        for (let i = 0; i < 300; i++) {
          const { sender, message } = fromStranger(i);
          await read(bob, sender as never, message);
        }
        for (let i = 0; i < 300; i++) {
          const { identity: stranger, messages } = await fromMadeUpDevices(bob, 1);
          await read(bob, stranger.publicKey, messages[0] as Uint8Array);
        }
        const { identity: other, messages } = await fromMadeUpDevices(bob, 20);
        for (const message of messages) await read(bob, other.publicKey, message);
      }
      // Nothing is remembered in memory of what came before.
      bob.device = await open();
      const measure = async (run: () => Promise<unknown>) => {
        const before = counts.store + counts.crypto;
        await run();
        return counts.store + counts.crypto - before;
      };
      const inSession = (await write(carol, identity.publicKey, 'x')).message;
      const { sender, message } = fromStranger(-1);
      const { identity: newcomer, messages } = await fromMadeUpDevices(bob, 1);
      return {
        inSession: await measure(() => read(bob, carol.identity.publicKey, inSession)),
        bundle: await measure(() => read(bob, sender as never, message)),
        first: await measure(() => read(bob, newcomer.publicKey, messages[0] as Uint8Array)),
        sending: await measure(() => write(bob, carol.identity.publicKey, 'x')),
      };
    };
    const [empty, full] = [await cost(false), await cost(true)];
    for (const what of ['inSession', 'bundle', 'first', 'sending'] as const) {
      expect(full[what]).toBeLessThanOrEqual(2 * empty[what]);
    }
  }, 60_000);
});
