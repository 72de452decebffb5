import { encodeHex } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { createHybridSuite } from '../src/hybrid.js';
import type { DeviceLimits } from '../src/index.js';
import { activeDevices, newPeerDevice, withinBounds } from '../src/peers.js';
import { addSession, deleteSession, sessionForSending } from '../src/sessions.js';
import type { PeerDevice, PeerRecord, SessionSummary } from '../src/storage/records.js';
import { endedChainTable, sessionTable, skippedKeyTable } from '../src/storage/tables.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { loadSession, sessionId } from '../src/suites/session.js';
import { contextOf, countRecords, crypto, keptStore, meet, newNode, talk, write } from './world.js';

const ours = crypto.secp256k1.generateKeyPair().publicKey;
const theirs = crypto.secp256k1.generateKeyPair().publicKey;
const other = crypto.secp256k1.generateKeyPair().publicKey;
const preKey = {
  publicKey: ours,
  privateKey: new Uint8Array(32),
  version: 1,
  createdAt: 0n,
  retiredAt: 0n,
  hybrid: undefined,
};
const own = { preKey, epoch: 0 };

/** A session with this number as id and order. */
function session(number: number, change: Partial<SessionSummary> = {}): SessionSummary {
  return {
    id: new Uint8Array(16).fill(number),
    initiator: true,
    signedPreKey: theirs,
    order: new Uint8Array(8).fill(number),
    lost: false,
    epoch: 0,
    peerPreKey: theirs,
    suite: 0,
    ...change,
  };
}
const accepted = (number: number, change: Partial<SessionSummary> = {}) =>
  session(number, { initiator: false, signedPreKey: ours, ...change });

const device = (sessions: readonly SessionSummary[], change: Partial<PeerDevice> = {}): PeerDevice => ({
  ...newPeerDevice('d', true),
  signedPreKey: theirs,
  sessions: [...sessions],
  ...change,
});
const numberOf = (summary: SessionSummary | undefined) => summary?.id[0];
const chosen = (sessions: readonly SessionSummary[], change: Partial<PeerDevice> = {}) =>
  numberOf(sessionForSending({ hybrid: undefined }, device(sessions, change), own));

describe('the session to send on', () => {
  it('is the newest that we began with the current prekey of the peer, or that it began with ours', () => {
    expect(chosen([])).toBeUndefined();
    expect(chosen([session(1), session(2)])).toBe(2);
    expect(chosen([accepted(1), accepted(2)])).toBe(2);
    expect(chosen([session(1, { signedPreKey: other })])).toBeUndefined();
    expect(chosen([accepted(1, { signedPreKey: other })])).toBeUndefined();
  });

  it('when both began one, is that with the lower order, as the peer finds as well', () => {
    expect(chosen([session(1), accepted(2)])).toBe(1);
    expect(chosen([session(2), accepted(1)])).toBe(1);
    expect(chosen([session(1), accepted(2, { order: new Uint8Array(8).fill(1) })])).toBe(1);
  });

  it('is none that is lost, or from before the store was restored', () => {
    expect(chosen([session(1), session(2, { lost: true })])).toBe(1);
    expect(chosen([session(1), session(2, { epoch: 1 })])).toBe(1);
    expect(chosen([session(2, { lost: true }), accepted(3, { epoch: 1 })])).toBeUndefined();
  });

  describe('with a device that offers the hybrid suite', () => {
    const speaks = { hybrid: createHybridSuite(crypto) };
    const offer = {
      suites: Uint8Array.of(2),
      curve25519PreKey: new Uint8Array(32),
      kemPreKeyHash: new Uint8Array(32),
      kemPreKey: new Uint8Array(0),
    };
    const ready = { ...offer, kemPreKey: new Uint8Array(1184) };
    const inSuite = (number: number, change: Partial<SessionSummary> = {}) =>
      session(number, { suite: 2, ...change });
    const select = (
      sessions: readonly SessionSummary[],
      hybrid: typeof offer,
      context: Parameters<typeof sessionForSending>[0] = speaks,
    ) => numberOf(sessionForSending(context, device(sessions, { hybrid }), own));

    it('is in that suite as soon as one can be begun, and before that one in the deployed suite', () => {
      expect(select([inSuite(1), session(2)], ready)).toBe(1);
      expect(select([session(2)], ready)).toBeUndefined();
      expect(select([session(2)], offer)).toBe(2);
    });

    it('is the newest in it while its next ML-KEM prekey has not come', () => {
      const old = [inSuite(1, { signedPreKey: other }), inSuite(2, { signedPreKey: other })];
      expect(select([...old, session(3)], offer)).toBe(2);
      expect(select([...old, session(3)], ready)).toBeUndefined();
      expect(select([inSuite(4), ...old], offer)).toBe(4);
    });

    it('is in the deployed suite for a device that does not speak it any more', () => {
      expect(select([session(1), inSuite(2)], ready, { hybrid: undefined })).toBe(1);
      expect(select([inSuite(2)], ready, { hybrid: undefined })).toBeUndefined();
    });
  });

  it('of a device that no bundle has named is the newest of all', () => {
    const unnamed = { signedPreKey: new Uint8Array(0) };
    const some = [accepted(1, { signedPreKey: other }), accepted(2, { signedPreKey: other })];
    expect(chosen(some, unnamed)).toBe(2);
    expect(chosen([...some, accepted(3, { signedPreKey: other })], unnamed)).toBe(3);
    expect(chosen([...some, session(3, { lost: true })], unnamed)).toBe(2);
    expect(chosen(some)).toBeUndefined();
    expect(chosen([], unnamed)).toBeUndefined();
  });
});

function bed(limits: Partial<DeviceLimits> = {}) {
  const { store } = keptStore();
  const manager = new TransactionManager(store, crypto);
  const context = contextOf({ limits });
  return {
    context,
    store,
    manager,
    /** Stores something for each session, so that it can be seen which go. */
    keep: (...sessions: readonly SessionSummary[]) =>
      manager.transaction(async (tx) => {
        for (const { id } of sessions) {
          const record = {
            ratchet: Uint8Array.of(1),
            ephemeralKey: new Uint8Array(0),
            handshake: new Uint8Array(0),
            suite: 0,
            endedChains: 0,
            usedAt: 0n,
          };
          tx.put(sessionTable, record, encodeHex(id));
        }
      }),
    kept: () =>
      manager.read(async (tx) =>
        (await tx.keys(sessionTable)).map(([name = '']) => Number(`0x${name.slice(0, 2)}`)),
      ),
  };
}

describe('more sessions with a device than are kept', () => {
  it('cost the oldest, but neither the new one nor the one to send on', async () => {
    const { context, manager, keep, kept } = bed({ maxSessionsPerDevice: 3 });
    const before = [session(1), accepted(2, { signedPreKey: other }), accepted(3, { signedPreKey: other })];
    const added = accepted(9, { signedPreKey: other });
    await keep(...before, added);
    const after = await manager.transaction((tx) => addSession(tx, context, device(before), added, own));
    expect(after.sessions.map(numberOf)).toEqual([1, 3, 9]);
    expect(await kept()).toEqual([1, 3, 9]);
    const few = bed({ maxSessionsPerDevice: 4 });
    const all = await few.manager.transaction((tx) =>
      addSession(tx, few.context, device(before), added, own),
    );
    expect(all.sessions.map(numberOf)).toEqual([1, 2, 3, 9]);
  });

  it('leave these two where only one is to be kept', async () => {
    const { context, manager } = bed({ maxSessionsPerDevice: 1 });
    const added = accepted(9, { signedPreKey: other });
    const before = device([accepted(1, { signedPreKey: other }), session(2)]);
    const after = await manager.transaction((tx) => addSession(tx, context, before, added, own));
    expect(after.sessions.map(numberOf)).toEqual([2, 9]);
  });
});

describe('more of an identity than is kept', () => {
  const peer = (devices: readonly PeerDevice[]): PeerRecord => ({
    devices: [...devices],
    answeredAt: 0n,
    verified: false,
    standing: 'stranger',
    requestMessages: 0,
    requestBytes: 0n,
    requestedAt: 0n,
  });
  const named = (
    installationId: string,
    minutes: number,
    sessions: readonly SessionSummary[],
    replied = true,
  ) => device(sessions, { installationId, timestamp: BigInt(minutes), hasReplied: replied });
  const summary = ({ devices }: PeerRecord) =>
    devices.map(({ installationId, sessions }) => `${installationId} ${sessions.map(numberOf).join()}`);

  it('is left as it is at its bounds', async () => {
    const { context, manager } = bed({ maxKnownDevices: 2, maxSessionsPerIdentity: 3 });
    const record = peer([named('a', 1, [session(1), session(2)]), named('b', 2, [session(3)])]);
    expect(await manager.transaction((tx) => withinBounds(tx, record, context))).toBe(record);
  });

  it('costs the devices that were active least lately, with their sessions; at one time those that never wrote', async () => {
    const { context, manager, keep, kept } = bed({ maxKnownDevices: 3 });
    await keep(session(1), session(2), session(3), session(4), session(5));
    const record = peer([
      named('a', 2, [session(1)]),
      named('b', 1, [session(2)]),
      named('c', 2, [session(3)], false),
      named('d', 3, [session(4)]),
      named('e', 2, [session(5)]),
    ]);
    const next = await manager.transaction((tx) => withinBounds(tx, record, context));
    expect(summary(next)).toEqual(['d 4', 'a 1', 'e 5']);
    expect(await kept()).toEqual([1, 4, 5]);
  });

  it('costs the oldest sessions of the least important devices, and never the last one of a device', async () => {
    const { context, manager, keep, kept } = bed({ maxSessionsPerIdentity: 4 });
    const numbers = [1, 2, 3, 4, 5, 6, 7];
    await keep(...numbers.map((number) => session(number)));
    const record = peer([
      named('a', 3, [session(1), session(2), session(3)]),
      named('b', 2, [session(4), session(5)]),
      named('c', 1, [session(6), session(7)]),
    ]);
    const next = await manager.transaction((tx) => withinBounds(tx, record, context));
    expect(summary(next)).toEqual(['a 2,3', 'b 5', 'c 7']);
    expect(await kept()).toEqual([2, 3, 5, 7]);
    const tight = bed({ maxSessionsPerIdentity: 1 });
    const least = await tight.manager.transaction((tx) => withinBounds(tx, record, tight.context));
    expect(summary(least)).toEqual(['a 3', 'b 5', 'c 7']);
  });

  it('the devices that a message goes to are the most recently active ones, ties by their ids', () => {
    const devices = [
      named('c', 1, []),
      named('b', 1, []),
      named('a', 5, []),
      device([], { installationId: 'off', enabled: false, timestamp: 9n }),
      device([], { installationId: 'empty', signedPreKey: new Uint8Array(0), timestamp: 9n }),
      device([session(1)], { installationId: 'unnamed', signedPreKey: new Uint8Array(0), timestamp: 0n }),
    ];
    const ids = (most: number) =>
      activeDevices(peer(devices), most).map(({ installationId }) => installationId);
    expect(ids(9)).toEqual(['a', 'b', 'c', 'unnamed']);
    expect(ids(2)).toEqual(['a', 'b']);
  });
});

describe('a session', () => {
  it('has the same id on both sides whatever sign byte its ephemeral key has, and another one for each of its parts', () => {
    const idOf = (identity = theirs, installationId = 'd', preKey = ours, ephemeral: Uint8Array = other) =>
      encodeHex(sessionId({ crypto }, { identity, installationId }, preKey, ephemeral));
    expect(idOf()).toMatch(/^[0-9a-f]{32}$/);
    expect(idOf(theirs, 'd', ours, other.with(0, other[0]! ^ 1))).toBe(idOf());
    const ids = [
      idOf(),
      idOf(other),
      idOf(theirs, 'e'),
      idOf(theirs, 'd', theirs),
      idOf(theirs, 'd', ours, ours),
    ];
    expect(new Set(ids).size).toBe(5);
  });

  it('that is deleted leaves nothing, whether its state can be read or not', async () => {
    for (const isDamaged of [false, true]) {
      const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
      await meet(alice, bob);
      await talk(alice, bob, '1');
      await talk(bob, alice, '2');
      await talk(alice, bob, '3');
      await write(alice, bob.identity.publicKey, 'lost');
      await talk(alice, bob, '4');
      const counts = async () =>
        Promise.all(['session', 'skipped', 'chain'].map((table) => countRecords(bob.store, table)));
      expect(await counts()).toEqual([1, 1, 2]);
      await bob.device.transaction(async (tx) => {
        const [[name = ''] = []] = await tx.keys(sessionTable);
        const record = (await tx.get(sessionTable, name))!;
        if (isDamaged) tx.put(sessionTable, { ...record, ratchet: Uint8Array.of(1) }, name);
        const id = Uint8Array.from(name.match(/../g)!, (byte) => Number.parseInt(byte, 16));
        expect((await loadSession(tx, contextOf(), session(0, { id }))) === undefined).toBe(isDamaged);
        await deleteSession(tx, id);
      });
      expect(await counts()).toEqual([0, 0, 0]);
    }
  });

  it('that is deleted leaves those of others alone', async () => {
    const { manager } = bed();
    const chains = () => manager.read((tx) => tx.keys(endedChainTable));
    await manager.transaction(async (tx) => {
      for (const name of [encodeHex(session(1).id), encodeHex(session(2).id)]) {
        tx.put(endedChainTable, new Uint8Array(0), name, '00');
        tx.put(skippedKeyTable, { messageKey: new Uint8Array(32), storedAt: 0 }, name, '00', '1');
      }
    });
    await manager.transaction((tx) => deleteSession(tx, session(1).id));
    expect(await chains()).toEqual([[encodeHex(session(2).id), '00']]);
    expect(await manager.read((tx) => tx.keys(skippedKeyTable))).toHaveLength(1);
  });

  it('is not there when it was never stored; a fault of the store is no missing session', async () => {
    const { manager, keep } = bed();
    expect(await manager.read((tx) => loadSession(tx, contextOf(), session(1)))).toBeUndefined();
    await keep(session(1));
    const newer = new TransactionManager(
      {
        get: async () => ({ value: Uint8Array.of(9, 0, 0, 0, 0, 0), revision: 1 }),
        list: () => {
          throw new Error('unused');
        },
        commit: async () => 1,
        close: async () => {},
      },
      crypto,
    );
    await expect(newer.read((tx) => loadSession(tx, contextOf(), session(1)))).rejects.toMatchObject({
      code: 'STATE_VERSION_UNSUPPORTED',
    });
    await manager.transaction(async (tx) => {
      tx.put(skippedKeyTable, { messageKey: new Uint8Array(32), storedAt: 0 }, 'x', 'y', '1');
      tx.put(endedChainTable, new Uint8Array(0), 'x', 'y');
    });
    await manager.transaction((tx) => deleteSession(tx, session(1).id));
    expect(await manager.read((tx) => tx.keys(skippedKeyTable))).toHaveLength(1);
  });
});
