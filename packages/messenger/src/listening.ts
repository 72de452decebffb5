import {
  type Channel,
  decodeHex,
  encodeHex,
  type PublicKey,
  type SharedKey,
  type TransportConnection,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Device } from './device/device.js';
import type { Effects } from './effects.js';
import type { UnitOfWork } from './storage/ledger.js';
import { chatTable, contactTable, negotiatedTable } from './storage/tables.js';
import { contactCodeChannel } from './topics.js';

/** Whom and what we listen to: contacts, conversations and public chats, as channels of the transport. */
export class Listening {
  readonly #device: Device;
  readonly #crypto: CryptoProvider;
  /** Identities whose negotiated topic is listened to, in hex; before {@link load} only those of this run. */
  readonly #negotiated = new Set<string>();
  /** Contacts, in hex, and those looked up in this run; before {@link load} only those of this run. */
  readonly #watched = new Set<string>();
  /** Strangers whose negotiated topic is listened to since we answered them, in hex. */
  #answered: readonly string[] = [];
  readonly #chats = new Set<string>();
  #loaded = false;
  /** Set once we are connected. */
  connection: TransportConnection | undefined;

  constructor(device: Device, crypto: CryptoProvider) {
    this.#device = device;
    this.#crypto = crypto;
  }

  async loadChats(work: UnitOfWork): Promise<void> {
    for (const [name] of await work.keys(chatTable)) this.#chats.add(name as string);
  }

  /** Reads whom we listen to. Only who connects needs it, and with 100,000 conversations it takes seconds. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    await this.#device.ledger.run(async (work) => {
      for (const [identity] of await work.keys(negotiatedTable)) this.#negotiated.add(identity as string);
      for (const [identity] of await work.keys(contactTable)) {
        this.#watched.add(identity as string);
        // One that knows another device of ours may be there already.
        this.#negotiated.add(identity as string);
      }
      this.#answered = (await this.#device.answeredStrangers(work)).map(encodeHex);
    });
    this.#loaded = true;
  }

  /** What we listen to, in step with contacts, chats and conversations. */
  channels(): readonly Channel[] {
    return [
      { kind: 'partitioned', recipient: this.#device.identity },
      { kind: 'discovery', recipient: this.#device.identity },
      // Our other devices publish their bundles there as well: each of them learns of the others.
      contactCodeChannel(this.#crypto, this.#device.identity),
      ...[...this.#chats].map((name): Channel => ({ kind: 'public', name })),
      // Whom we talk to as well as contacts: one that lost its devices is found again by its bundle.
      ...[...new Set([...this.#watched, ...this.#negotiated])].map((name) =>
        contactCodeChannel(this.#crypto, decodeHex(name) as PublicKey),
      ),
      ...[...new Set([...this.#negotiated, ...this.#answered])].map((name) =>
        this.negotiatedChannel(decodeHex(name) as PublicKey),
      ),
    ];
  }

  negotiatedChannel(identity: PublicKey): Channel {
    return { kind: 'negotiated', secret: this.#device.negotiatedSecret(identity) as SharedKey };
  }

  /** Tells the transport what we listen to now. */
  async listen(): Promise<void> {
    await this.connection?.subscribe(this.channels());
  }

  /** Closes the connection, once. */
  async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    await connection?.close();
  }

  /** Listens for an identity's bundle from the next {@link listen} on. */
  watch(identity: PublicKey): void {
    this.#watched.add(encodeHex(identity));
  }

  unwatch(identity: PublicKey): void {
    this.#watched.delete(encodeHex(identity));
  }

  /** Listens, from this step on, to the topic negotiated with an identity. */
  hearNegotiated(work: UnitOfWork, effects: Effects, identity: PublicKey): void {
    const name = encodeHex(identity);
    if (this.#negotiated.has(name)) return;
    // Before `load` it may be there already, and is put once more.
    work.put(negotiatedTable, new Uint8Array(0), name);
    effects.after.push(() => this.#negotiated.add(name));
    effects.listen = true;
  }

  /** Listens, from this step on, to the topics negotiated with the strangers whom we answered. */
  async hearAnswered(work: UnitOfWork, effects: Effects): Promise<void> {
    const answered = (await this.#device.answeredStrangers(work)).map(encodeHex);
    effects.after.push(() => {
      this.#answered = answered;
    });
    effects.listen = true;
  }

  /** No longer listens to the topic negotiated with an identity. */
  unhearNegotiated(work: UnitOfWork, effects: Effects, identity: PublicKey): void {
    const name = encodeHex(identity);
    work.delete(negotiatedTable, name);
    effects.after.push(() => {
      this.#negotiated.delete(name);
      this.#answered = this.#answered.filter((other) => other !== name);
    });
    effects.listen = true;
  }

  /** Whether a public channel is the one on which an identity publishes its bundle. */
  isContactCodeOf(name: string, identity: PublicKey): boolean {
    return contactCodeChannel(this.#crypto, identity).name === name;
  }

  joinChat(work: UnitOfWork, effects: Effects, chat: string, now: number): void {
    work.put(chatTable, { joinedAt: BigInt(now) }, chat);
    effects.after.push(() => this.#chats.add(chat));
    effects.listen = true;
  }

  leaveChat(work: UnitOfWork, effects: Effects, chat: string): void {
    work.delete(chatTable, chat);
    effects.after.push(() => this.#chats.delete(chat));
    effects.listen = true;
  }

  inChat(name: string): boolean {
    return this.#chats.has(name);
  }

  chats(): readonly string[] {
    return [...this.#chats].toSorted();
  }
}
