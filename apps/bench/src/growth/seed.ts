import { compareBytes, decodeHex, encodeHex, type KeyPair } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { bytesTable, decodeRecord, encodeRecord, peerTable, sessionTable } from '@sotto/device/internal';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type Letter, PostOffice } from './post-office.js';
import { type Entry, readAll } from './stores.js';

/** The initial state: our device with real sessions, and further messages in them. */
export interface Seed {
  readonly identity: KeyPair;
  /** Records that don't belong to a session. */
  readonly common: readonly Entry[];
  readonly correspondents: readonly Correspondent[];
}

export interface Correspondent {
  readonly identity: Uint8Array;
  /** The records of the session with this peer. */
  readonly entries: readonly Entry[];
  /** Messages of this peer that were not delivered yet, in order. */
  readonly letters: readonly Letter[];
}

/** @param letters undelivered messages per peer */
export async function growSeed(
  crypto: CryptoProvider,
  size: { readonly correspondents: number; readonly letters: number; readonly bytes: number },
): Promise<Seed> {
  const post = new PostOffice();
  const identity = crypto.secp256k1.generateKeyPair();
  const open = async (keys: KeyPair, store = createMemoryStore(), transport = post) => {
    const messenger = await createMessenger({
      identity: keys,
      store,
      transport,
      crypto,
      postQuantum: false,
    });
    messenger.on('message', (message) => void message.acknowledge());
    await messenger.start();
    return messenger;
  };
  const store = createMemoryStore();
  const us = await open(identity, store);
  const payload = crypto.randomBytes(size.bytes);
  const waiting: Letter[][] = [];
  const identities: Uint8Array[] = [];
  for (let i = 0; i < size.correspondents; i++) {
    const him = await open(crypto.secp256k1.generateKeyPair(), createMemoryStore());
    await correspond(post, us, him);
    const letters: Letter[] = [];
    post.routeTo((letter) => letters.push(letter));
    for (let sent = 0; sent < size.letters; sent++) {
      await him.send(us.identity, payload);
      await him.flushed();
    }
    post.routeTo(() => {});
    waiting.push(letters);
    identities.push(him.identity);
    await him.close();
  }
  await us.flushed();
  const entries = await readAll(store);
  await us.close();
  const sessions = identities.map((one) => entriesOf(crypto, entries, one));
  const taken = new Set(sessions.flat());
  return {
    identity,
    common: entries.filter((entry) => !taken.has(entry)),
    correspondents: identities.map((one, i) => ({
      identity: one,
      entries: sessions[i] as Entry[],
      letters: waiting[i] as Letter[],
    })),
  };
}

/** Two turns, so that the session is answered and uses the negotiated topic. */
async function correspond(post: PostOffice, us: Messenger, him: Messenger): Promise<void> {
  const under: Promise<void>[] = [];
  post.routeTo((letter) => under.push(post.deliver(letter)));
  const hello = new Uint8Array(16);
  const bring = async (from: Messenger, to: Messenger) => {
    await from.send(to.identity, hello);
    await from.flushed();
    await Promise.all(under.splice(0));
    await to.flushed();
  };
  await him.contacts.add(await us.contacts.ownCode());
  for (let turn = 0; turn < 2; turn++) {
    await bring(him, us);
    await bring(us, him);
  }
}

/** The records that name an identity, and those that name its sessions. */
function entriesOf(crypto: CryptoProvider, entries: readonly Entry[], identity: Uint8Array): Entry[] {
  const name = encodeHex(identity);
  const ids = new Set(
    entries
      .filter(([key]) => key === `${peerTable.name}/${name}`)
      .flatMap(([key, value]) => decodeRecord(crypto, peerTable, key, value).devices)
      .flatMap(({ sessions }) => sessions.map(({ id }) => encodeHex(id))),
  );
  return entries.filter(([key]) => {
    const segments = key.split('/');
    return segments.includes(name) || ids.has(segments[1] ?? '');
  });
}

/**
 * The records of a store with this many sessions. The first are real; the others are copies of the first under other
 * identities and session ids, which is faster than exchanging a million messages.
 */
export function* recordsOf(
  crypto: CryptoProvider,
  seed: Seed,
  identities: readonly Uint8Array[],
): Generator<Entry> {
  yield* seed.common;
  const [template] = seed.correspondents;
  const copyAs = template && copying(crypto, template);
  for (const [i, identity] of identities.entries()) {
    const real = seed.correspondents[i];
    if (real !== undefined) yield* real.entries;
    else if (copyAs !== undefined) yield* copyAs(identity);
  }
}

/** Copies the records of a correspondent under another identity, with a session id of its own. */
function copying(
  crypto: CryptoProvider,
  { identity, entries }: Correspondent,
): (as: Uint8Array) => Generator<Entry> {
  const session = entries.find(([key]) => key.startsWith(`${sessionTable.name}/`))?.[0].split('/')[1] ?? '';
  const oldId = decodeHex(session);
  const contents = entries.map(([key, value]) => {
    const table = bytesTable(key.split('/')[0] as string);
    return { table, key, content: decodeRecord(crypto, table, key, value) };
  });
  return function* (as) {
    const newId = crypto.randomBytes(16);
    const names: readonly (readonly [string, string])[] = [
      [encodeHex(identity), encodeHex(as)],
      [session, encodeHex(newId)],
    ];
    for (const { table, key, content } of contents) {
      const copied = names.reduce((text, [from, to]) => text.replace(from, to), key);
      // Others name neither: only their keys differ.
      const changed = table.name === peerTable.name ? replaced(content, oldId, newId) : content;
      yield [copied, encodeRecord(crypto, table, copied, changed)];
    }
  };
}

/** The bytes with a sequence of them replaced by one of the same length, wherever it occurs. */
function replaced(bytes: Uint8Array, old: Uint8Array, by: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (let at = 0; at + old.length <= copy.length; at++) {
    if (compareBytes(copy.subarray(at, at + old.length), old) === 0) copy.set(by, at);
  }
  return copy;
}
