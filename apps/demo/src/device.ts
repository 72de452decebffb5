import { type Conversations, createConversations } from '@sotto/conversations';
import {
  type BundleDirectory,
  compareBytes,
  decodeUtf8,
  type KeyPair,
  type NameResolver,
  type PublicKey,
  type Store,
} from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import {
  createMessenger,
  type Messenger,
  type MessengerEvents,
  type ReceivedMessage,
} from '@sotto/messenger';
import { createStatusClient } from '@sotto/status-messages/client';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Wiretap } from './wiretap.js';

/** Where a device finds people and is found. */
export interface Finding {
  readonly names: NameResolver;
  readonly directories: readonly BundleDirectory[];
}

/** What a device runs on. */
export interface DeviceEnvironment {
  readonly folder: string;
  readonly network: MemoryNetwork;
  /** Identifies the device on the network, so that one device of an identity can be disconnected alone. */
  readonly place: PublicKey;
  readonly tap: Wiretap;
  /** Nowhere but on its topics, when there is none. */
  readonly finding: Finding | undefined;
  /**
   * Whether it keeps a history by conversations, in place of the inbox: of plain texts, or with the language of Status clients, who
   * acknowledge what they receive.
   */
  readonly history?: 'plain' | 'status' | undefined;
  /** Fires when the device must not be switched on again. */
  readonly closing: AbortSignal;
}

/** Someone's phone or laptop: a messenger with a store on disk. */
export class Device {
  /** Messages received and not read yet, in order of arrival. */
  readonly inbox: ReceivedMessage[] = [];
  readonly refused: MessengerEvents['decryptionFailed'][] = [];
  readonly name: string;
  readonly identity: KeyPair;
  /** Whether it offers post-quantum sessions when it is switched on. The other chapters show what is on the wire among all clients. */
  postQuantum = false;
  readonly #environment: DeviceEnvironment;
  #store: Promise<Store> | undefined;
  #opened: Store | undefined;
  #messenger: Messenger | undefined;
  #conversations: Conversations | undefined;
  /** What is closed before the messenger. */
  readonly #layers: { close(): Promise<void> }[] = [];

  constructor(name: string, identity: KeyPair, environment: DeviceEnvironment) {
    this.name = name;
    this.identity = identity;
    this.#environment = environment;
  }

  /** The public key of its identity. */
  get key(): PublicKey {
    return this.identity.publicKey;
  }

  get tap(): Wiretap {
    return this.#environment.tap;
  }

  get messenger(): Messenger {
    if (this.#messenger === undefined) throw new Error(`${this.name} is switched off.`);
    return this.#messenger;
  }

  /** Its history, when it keeps one. */
  get conversations(): Conversations {
    if (this.#conversations === undefined) throw new Error(`${this.name} keeps no history.`);
    return this.#conversations;
  }

  get isOn(): boolean {
    return this.#messenger !== undefined;
  }

  /** The store that is open. A messenger may be using it. */
  get openedStore(): Store {
    if (this.#opened === undefined) throw new Error(`${this.name} is switched off.`);
    return this.#opened;
  }

  /** Opens the store on its disk. Only one can be open at a time. */
  async openStore(): Promise<Store> {
    this.#environment.closing.throwIfAborted();
    this.#store = createLevelDbStore({ path: this.#environment.folder });
    this.#opened = await this.#store;
    return this.#opened;
  }

  /** Opens the store, and goes online. */
  async switchOn(): Promise<void> {
    const { network, place, tap, finding } = this.#environment;
    const messenger = await createMessenger({
      identity: this.identity,
      store: await this.openStore(),
      transport: tap.over(network.carrier(place)),
      postQuantum: this.postQuantum,
      names: finding?.names,
      directories: finding?.directories,
    });
    this.#messenger = messenger;
    if (this.#environment.history !== undefined) await this.#keepHistory(messenger);
    else
      messenger.on('message', (message) => {
        this.inbox.push(message);
      });
    messenger.on('decryptionFailed', (event) => {
      this.refused.push(event);
    });
    await messenger.start();
  }

  async #keepHistory(messenger: Messenger): Promise<void> {
    const { identity, openedStore: store } = this;
    const status =
      this.#environment.history === 'status'
        ? await createStatusClient({
            messenger,
            store,
            identity,
            crypto: defaultProvider(),
            displayName: `${this.name} of the tour`,
          })
        : undefined;
    this.#conversations = await createConversations({ messenger, store, status });
    this.#layers.push(this.#conversations);
    if (status !== undefined) this.#layers.push(status);
  }

  /** Goes offline. The store, with unread messages, stays on disk. */
  async switchOff(): Promise<void> {
    const messenger = this.#messenger;
    this.#messenger = undefined;
    this.#conversations = undefined;
    for (const layer of this.#layers.splice(0)) await layer.close();
    await messenger?.close();
    // The messenger closes its store, but a store may also be open without a messenger.
    await this.#store?.then((store) => store.close()).catch(() => undefined);
    this.inbox.length = 0;
  }

  /** Disconnects it from the network, where envelopes for it wait. */
  disconnect(): void {
    this.#environment.network.disconnect(this.#environment.place);
  }

  reconnect(): void {
    this.#environment.network.reconnect(this.#environment.place);
  }

  /** Takes and acknowledges the texts received since the last call. */
  async read(): Promise<string[]> {
    const messages = this.inbox.splice(0);
    for (const message of messages) await message.acknowledge();
    return messages.map(({ payload }) => decodeUtf8(payload));
  }

  /** Whether a key is this device's identity. */
  is(key: Uint8Array): boolean {
    return compareBytes(key, this.key) === 0;
  }
}
