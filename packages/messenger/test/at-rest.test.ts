/** What a messenger leaves in the files of its store: no message that was acknowledged, no ratchet that was replaced. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeHex, type Store } from '@sotto/core';
import { withMlKem768 } from '@sotto/crypto/ml-kem';
import { withX25519 } from '@sotto/crypto/x25519';
import { sessionTable } from '@sotto/device/internal';
import { decodeState, decrypt, secp256k1Suite } from '@sotto/double-ratchet';
import { type DirectMessage, decodeProtocolMessage } from '@sotto/protocol-codec';
import { decodeMemberChain, type MemberChain } from '@sotto/sender-keys';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { temporaryDirectory } from '@sotto/testing/files';
import * as triple from '@sotto/triple-ratchet';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { memberChainTable } from '../src/groups/tables.js';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { crypto, START } from './world.js';

const level = (path: string) => createLevelDbStore({ path, durability: 'process-crash' });
const sqlite = (path: string) => createSqliteStore({ path: `${path}.db`, durability: 'process-crash' });
const encrypted = async (store: Store) =>
  createEncryptedStore({
    store,
    passphrase: 'correct horse',
    randomBytes: crypto.randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });

const MESSAGES = 40;

/** What the state of a ratchet holds, in one suite or the other. */
interface Held {
  /** Keys of the chains on which the peer sends. */
  readonly chainKeys: readonly Uint8Array[];
  /** Whether it opens a message. */
  opens(message: DirectMessage): boolean;
}

function succeeds(run: () => unknown): boolean {
  try {
    return run() !== undefined;
  } catch {
    return false;
  }
}

function deployed(encoded: Uint8Array): Held {
  const state = decodeState(encoded);
  return {
    chainKeys: state.receiving ? [state.receiving.chainKey] : [],
    opens: ({ drHeader, payload }) =>
      drHeader !== undefined &&
      succeeds(() => decrypt(secp256k1Suite(crypto), state, { header: drHeader, body: payload })),
  };
}

function hybrid(encoded: Uint8Array): Held {
  const provider = withMlKem768(withX25519(crypto));
  const state = triple.decodeState(encoded);
  const { ratchet, sparse } = state;
  return {
    chainKeys: [...(ratchet.receiving ? [ratchet.receiving.chainKey] : []), sparse.receiving.chainKey],
    opens: ({ payload }) =>
      succeeds(() => {
        const opened = triple.tryHeader(provider, state, payload);
        return opened && triple.decrypt(provider, state, opened);
      }),
  };
}

describe.each<[string, (path: string) => Promise<Store>]>([
  ['leveldb', level],
  ['sqlite', sqlite],
  ['encrypted over leveldb', async (path) => encrypted(await level(path))],
  ['encrypted over sqlite', async (path) => encrypted(await sqlite(path))],
])('%s, closed', (_, open) => {
  it.each([
    ['deployed', false],
    ['post-quantum', true],
  ])(
    'holds no plaintext that was acknowledged, and no chain key of a ratchet that was replaced: %s sessions',
    async (_, postQuantum) => {
      const directory = temporaryDirectory();
      const store = await open(join(directory, 'store'));
      const sessions: Uint8Array[] = [];
      const spied: Store = {
        get: (key) => store.get(key),
        list: (prefix, options) => store.list(prefix, options),
        commit(writes, options) {
          for (const write of writes) {
            if (write.type === 'put' && write.key.startsWith('session/'))
              sessions.push(new Uint8Array(write.value));
          }
          return store.commit(writes, options);
        },
        close: () => store.close(),
      };
      const network = createMemoryNetwork({ clock: manualClock(START) });
      const alice = await newParty(network, 'alice-1', { postQuantum });
      const bob = await newParty(network, 'bob-1', { wrapStore: () => spied, postQuantum });
      const wire: Uint8Array[] = [];
      const tap = await network.transport().connect({
        identity: bob.identity,
        onMessage: async ({ payload }) => {
          wire.push(new Uint8Array(payload));
        },
      });
      await tap.subscribe([{ kind: 'partitioned', recipient: bob.identity.publicKey }]);
      await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
      await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
      const marks = Array.from({ length: MESSAGES }, (_, i) => `PLAINTEXT-${i}-${'#'.repeat(50)}`);
      for (const [i, mark] of marks.entries()) {
        await alice.say(bob, mark);
        await quiet(network, alice, bob);
        if (i % 5 === 4) await bob.say(alice, 'turn');
        await quiet(network, alice, bob);
      }
      expect(bob.texts).toHaveLength(MESSAGES);
      await tap.close();
      await bob.messenger.close();

      const files = await readdir(directory, { recursive: true, withFileTypes: true });
      const contents = await Promise.all(
        files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
      );
      const isThere = (bytes: Uint8Array | string) =>
        contents.some((content) => content.includes(Buffer.from(bytes)));
      expect(marks.filter((_, i) => isThere(`PLAINTEXT-${i}-`))).toEqual([]);

      // A record is framed by one byte and a checksum of four.
      const records = sessions.map((value) => sessionTable.decode(value.subarray(1, -4)));
      const states = records.map(({ suite, ratchet }) => (suite === 0 ? deployed : hybrid)(ratchet));
      expect(states.length).toBeGreaterThan(MESSAGES);
      const last = states.at(-1)?.chainKeys ?? [];
      const left = states.filter(({ chainKeys }) => chainKeys.some(isThere));
      // Only what the last state holds.
      for (const { chainKeys } of left) {
        for (const key of chainKeys.filter(isThere)) expect(last).toContainEqual(key);
      }
      expect(wire.length).toBeGreaterThan(0);
      const sent = wire.flatMap((payload) => [...decodeProtocolMessage(payload).directMessages.values()]);
      // Those on the topic that is known before there is a session.
      const inHybrid = sent.filter(({ hybridHeader }) => hybridHeader !== undefined).length;
      expect(inHybrid > 0).toBe(postQuantum);
      // States that were stored do open them, those that are left don't.
      expect(sent.filter((message) => states.some((state) => state.opens(message))).length).toBeGreaterThan(
        0,
      );
      const opened = sent.filter((message) => left.some((state) => state.opens(message)));
      expect(opened).toEqual([]);
      await alice.messenger.close();
    },
  );

  it('holds no chain key of a sender key under which a message was read', async () => {
    const directory = temporaryDirectory();
    const store = await open(join(directory, 'store'));
    const states: MemberChain[] = [];
    const spied: Store = {
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      commit(writes, options) {
        for (const write of writes) {
          if (write.type !== 'put' || !write.key.startsWith('member-chain/')) continue;
          const { state } = memberChainTable.decode(new Uint8Array(write.value).subarray(1, -4));
          states.push(decodeMemberChain(state));
        }
        return store.commit(writes, options);
      },
      close: () => store.close(),
    };
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const limits = { senderKeysFrom: 2, senderKeyMessages: 15 };
    const alice = await newParty(network, 'alice-1', { postQuantum: false, limits });
    const bob = await newParty(network, 'bob-1', { wrapStore: () => spied, postQuantum: false });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const { group } = await alice.messenger.groups.create('g', [bob.identity.publicKey]);
    const marks = Array.from({ length: MESSAGES }, (_, i) => `PLAINTEXT-${i}-${'#'.repeat(50)}`);
    for (const mark of marks) {
      await alice.messenger.send({ kind: 'group', groupId: group.id }, new TextEncoder().encode(mark));
      await quiet(network, alice, bob);
    }
    expect(bob.texts).toHaveLength(MESSAGES);
    await bob.messenger.close();

    const files = await readdir(directory, { recursive: true, withFileTypes: true });
    const contents = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
    );
    const isThere = (bytes: Uint8Array | string) =>
      contents.some((content) => content.includes(Buffer.from(bytes)));
    expect(marks.filter((_, i) => isThere(`PLAINTEXT-${i}-`))).toEqual([]);
    const last = new Map(states.map(({ chain, index }) => [encodeHex(chain), index]));
    expect([...last.values()]).toEqual([15, 15, 10]);
    expect(states.length).toBeGreaterThan(MESSAGES - 1);
    // Only what the last states hold, and nothing has been sent under it.
    const left = states.filter(({ chainKey }) => isThere(chainKey));
    for (const { chain, index } of left) expect(index).toBe(last.get(encodeHex(chain)));
    await alice.messenger.close();
  });
});
