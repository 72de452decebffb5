import { compareBytes, decodeUtf8, type KeyPair, type PublicKey, type Store } from '@sotto/core';
import {
  createMessenger,
  type Messenger,
  type MessengerEvents,
  type ReceivedMessage,
} from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Wiretap } from './wiretap.js';

/** Where a device is: its folder on the disk, and its place on the network. */
export interface Whereabouts {
  readonly folder: string;
  readonly network: MemoryNetwork;
  /** Names the place on the network: two devices of one identity can be cut off one without the other. */
  readonly place: PublicKey;
  readonly tap: Wiretap;
  /** Fires when the device is not to be switched on any more. */
  readonly closing: AbortSignal;
}

/** Someone's phone or laptop: a messenger with a store on disk. */
export class Device {
  /** What was given to the application and not read yet, in order of arrival. */
  readonly inbox: ReceivedMessage[] = [];
  readonly refused: MessengerEvents['decryptionFailed'][] = [];
  readonly name: string;
  readonly identity: KeyPair;
  readonly #at: Whereabouts;
  #store: Promise<Store> | undefined;
  #messenger: Messenger | undefined;

  constructor(name: string, identity: KeyPair, at: Whereabouts) {
    this.name = name;
    this.identity = identity;
    this.#at = at;
  }

  /** The public key that others know it by. */
  get key(): PublicKey {
    return this.identity.publicKey;
  }

  get tap(): Wiretap {
    return this.#at.tap;
  }

  get messenger(): Messenger {
    if (this.#messenger === undefined) throw new Error(`${this.name} is switched off.`);
    return this.#messenger;
  }

  get isOn(): boolean {
    return this.#messenger !== undefined;
  }

  /** What the device has on its disk. One at a time may have it open. */
  async openStore(): Promise<Store> {
    this.#at.closing.throwIfAborted();
    this.#store = createLevelDbStore({ path: this.#at.folder });
    return this.#store;
  }

  /** Opens the store, and goes online. */
  async switchOn(): Promise<void> {
    const { network, place, tap } = this.#at;
    const messenger = await createMessenger({
      identity: this.identity,
      store: await this.openStore(),
      transport: tap.over(network.carrier(place)),
    });
    this.#messenger = messenger;
    messenger.on('message', (message) => {
      this.inbox.push(message);
    });
    messenger.on('decryptionFailed', (event) => {
      this.refused.push(event);
    });
    await messenger.start();
  }

  /** Goes offline; the store stays on disk, and with it what was not read. */
  async switchOff(): Promise<void> {
    const messenger = this.#messenger;
    this.#messenger = undefined;
    await messenger?.close();
    // The messenger has closed it, unless it was opened by itself.
    await this.#store?.then((store) => store.close()).catch(() => undefined);
    this.inbox.length = 0;
  }

  /** What is sent to this device waits, until it is in reach again. */
  outOfReach(): void {
    this.#at.network.disconnect(this.#at.place);
  }

  inReach(): void {
    this.#at.network.reconnect(this.#at.place);
  }

  /** The texts that came since the last time; they are done with now. */
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
