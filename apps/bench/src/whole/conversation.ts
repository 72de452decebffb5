import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import type { Carrier, Store } from '@sotto/core';
import { type CryptoProvider, createPortableProvider } from '@sotto/crypto';
import { loadAcceleratedProvider } from '@sotto/crypto/accelerated';
import { loadWebAssemblyProvider } from '@sotto/crypto/webassembly';
import { createMessenger, type Messenger, type ReceivedMessage } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { openPostgresDatabase } from '@sotto/store-adapters/postgres';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Measured } from '../measuring.js';
import type { Setup, StoreId, WholeScenarioId } from './library.js';

/** Messages of a burst: in transit simultaneously in one direction. */
const BURST = 64;
/** Envelopes that the network keeps; no one fetches them. */
const HISTORY = 100;

/** Two messengers with stores of their own, in one thread. */
export interface Conversation {
  readonly alice: Messenger;
  readonly bob: Messenger;
  /** Sends a message. Resolves when the peer's application has acknowledged it. */
  bring(from: Messenger, to: Messenger, payload: Uint8Array): Promise<void>;
}

/** @param place an existing, empty directory for the stores, or the address of an empty database */
export async function startConversation(setup: Setup, place: string): Promise<Conversation> {
  const { suite = 'deployed' } = setup;
  const crypto = await loadProvider(setup.provider);
  const network = createMemoryNetwork({ historySize: HISTORY });
  const transport = createSealedTransport(askingFor(setup.minimumPow, network.carrier()), {
    crypto,
    policy: { minimumPow: setup.minimumPow },
  });
  const openStore = await storeOpener(setup.store, place);
  const waiting = new Map<string, (message: ReceivedMessage) => void>();
  const open = async (name: string) => {
    const messenger = await createMessenger({
      identity: crypto.secp256k1.generateKeyPair(),
      store: await openStore(name),
      transport,
      crypto,
      installationId: name,
      postQuantum: suite !== 'deployed',
      sealedSender: suite === 'sealed',
    });
    messenger.on('message', (message) => waiting.get(message.id)?.(message));
    await messenger.start();
    return messenger;
  };
  const [alice, bob] = [await open('alice'), await open('bob')];

  async function bring(from: Messenger, to: Messenger, payload: Uint8Array): Promise<void> {
    const { id } = await from.send(to.identity, payload);
    // The transport receives it in a later turn at the earliest.
    const message = await new Promise<ReceivedMessage>((resolve) => waiting.set(id, resolve));
    waiting.delete(id);
    await message.acknowledge();
  }

  await alice.contacts.add(await bob.contacts.ownCode());
  const hello = new Uint8Array(16);
  // Two turns, so that both use the negotiated topic.
  for (let turn = 0; turn < 2; turn++) {
    await bring(alice, bob, hello);
    await bring(bob, alice, hello);
  }
  return { alice, bob, bring };
}

/** Description of one operation, and how it is measured. */
export const wholeScenarios: Record<
  WholeScenarioId,
  { readonly about: string; measure(conversation: Conversation): Measured }
> = {
  '1 KiB': {
    about: `messages of 1 KiB in one direction, ${BURST} under way at once, until the application has acknowledged them`,
    measure({ alice, bob, bring }) {
      const payload = randomFillSync(new Uint8Array(1024));
      return {
        operations: BURST,
        async run() {
          await Promise.all(Array.from({ length: BURST }, () => bring(alice, bob, payload)));
          await alice.flushed();
        },
      };
    },
  },
  'ping-pong': {
    about: 'messages of 1 KiB, each an answer to the one before, which is acknowledged with it',
    measure({ alice, bob }) {
      const payload = randomFillSync(new Uint8Array(1024));
      let left = 0;
      let done = () => {};
      let fail = (_: unknown) => {};
      const answer = (from: Messenger, to: Messenger) => async (message: ReceivedMessage) => {
        try {
          const answered = --left > 0 ? from.send(to.identity, payload) : undefined;
          await Promise.all([message.acknowledge(), answered]);
          if (left === 0) done();
        } catch (error) {
          fail(error);
        }
      };
      alice.on('message', answer(alice, bob));
      bob.on('message', answer(bob, alice));
      return {
        operations: RALLY,
        async run() {
          left = RALLY;
          const over = new Promise<void>((resolve, reject) => {
            done = resolve;
            fail = reject;
          });
          await alice.send(bob.identity, payload);
          await over;
          await Promise.all([alice.flushed(), bob.flushed()]);
        },
      };
    },
  },
};

/** Messages per run of the ping-pong. */
const RALLY = 20;

async function loadProvider(provider: Setup['provider']): Promise<CryptoProvider> {
  if (provider === 'accelerated') return loadAcceleratedProvider();
  return provider === 'webassembly' ? loadWebAssemblyProvider() : createPortableProvider();
}

async function storeOpener(store: StoreId, place: string): Promise<(name: string) => Promise<Store>> {
  if (store === 'postgres') {
    const database = await openPostgresDatabase({ connection: place });
    return (name) => database.openStore({ name });
  }
  const durability = store.endsWith('no-fsync') ? 'process-crash' : 'power-loss';
  return (name) =>
    store.startsWith('leveldb')
      ? createLevelDbStore({ path: join(place, name), durability })
      : createSqliteStore({ path: join(place, `${name}.sqlite`), durability });
}

/** A carrier that requires proof of work. */
function askingFor(minimumPow: number, carrier: Carrier): Carrier {
  return {
    capabilities: { ...carrier.capabilities, minimumPow },
    open: (handler, options) => carrier.open(handler, options),
  };
}
