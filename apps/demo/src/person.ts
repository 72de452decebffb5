import { join } from 'node:path';
import { compareBytes, encodeUtf8, type KeyPair } from '@sotto/core';
import {
  createMessenger,
  type Messenger,
  type MessengerEvents,
  type ReceivedMessage,
  type SendResult,
} from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { Wiretap } from './wiretap.js';

/** Someone with a messenger whose store is on disk. */
export class Person {
  readonly name: string;
  readonly identity: KeyPair;
  readonly tap = new Wiretap();
  /** What was given to the application, in order of arrival; not acknowledged by itself. */
  readonly inbox: ReceivedMessage[] = [];
  readonly refused: MessengerEvents['undecryptable'][] = [];
  readonly #folder: string;
  readonly #network: MemoryNetwork;
  #messenger: Messenger | undefined;

  constructor(name: string, identity: KeyPair, folder: string, network: MemoryNetwork) {
    this.name = name;
    this.identity = identity;
    this.#folder = join(folder, name.toLowerCase());
    this.#network = network;
  }

  get messenger(): Messenger {
    if (this.#messenger === undefined) throw new Error(`${this.name} is not there.`);
    return this.#messenger;
  }

  /** Opens the store, and goes online. */
  async arrive(): Promise<void> {
    const messenger = await createMessenger({
      identity: this.identity,
      store: await createLevelDbStore({ path: this.#folder }),
      transport: this.tap.on(this.#network.transport()),
    });
    messenger.on('message', (message) => {
      this.inbox.push(message);
    });
    messenger.on('undecryptable', (event) => {
      this.refused.push(event);
    });
    this.#messenger = messenger;
    await messenger.start();
  }

  /** Goes offline; the store stays on disk. */
  async leave(): Promise<void> {
    const messenger = this.#messenger;
    this.#messenger = undefined;
    await messenger?.close();
  }

  /** Resolves when what was to be sent is sent. */
  async flushed(): Promise<void> {
    await this.#messenger?.flushed();
  }

  say(to: Person, text: string): Promise<SendResult> {
    return this.messenger.send(to.identity.publicKey, encodeUtf8(text));
  }

  /** The texts read since the last time, which are done with now. */
  async read(): Promise<string[]> {
    const messages = this.inbox.splice(0);
    for (const message of messages) await message.acknowledge();
    return messages.map(({ payload }) => new TextDecoder().decode(payload));
  }

  /** Whether a key is this person's. */
  is(key: Uint8Array): boolean {
    return compareBytes(key, this.identity.publicKey) === 0;
  }
}
