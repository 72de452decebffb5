import {
  type Channel,
  decodeHex,
  encodeHex,
  type PublicKey,
  type SharedKey,
  type TransportConnection,
  type TransportMessage,
} from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import type { MessengerContext } from '../runtime/context.js';
import { contactCodeChannel, groupChannelName } from '../runtime/topics.js';
import { chatTable, contactTable, groupTable, negotiatedTable } from '../storage/tables.js';

type NegotiatedChannel = Extract<Channel, { readonly kind: 'negotiated' }>;

/** What we subscribe to for contacts, conversations and public chats, as channels of the transport. */
export class Subscriptions {
  readonly #context: MessengerContext;
  /** Identities whose negotiated topic we subscribe to, in hex; before {@link load} only those of this run. */
  readonly #negotiated = new Set<string>();
  /** Contacts and identities looked up in this run, in hex; before {@link load} only those of this run. */
  readonly #watched = new Set<string>();
  /** Strangers, in hex, to whose negotiated topic we subscribe because we answered them. */
  #answered: readonly string[] = [];
  /** Look-ups in progress that want to know of bundles, by identity in hex. */
  readonly #listeners = new Map<string, Set<(fromHistory: boolean) => void>>();
  readonly #chats = new Set<string>();
  /** By its secret: with whom a negotiated topic that we subscribe to was negotiated, in hex. As many as there are subscriptions. */
  #peers: ReadonlyMap<string, string> = new Map();
  /** Ids of groups whose channel we subscribe to, by the name of that channel; before {@link load} only those of this run. */
  readonly #groups = new Map<string, string>();
  #loaded = false;
  /** Transactions that change our subscriptions. */
  readonly #changed = new WeakSet<Transaction>();
  /** Set once we are connected. */
  connection: TransportConnection | undefined;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  async loadChats(tx: ReadTransaction): Promise<void> {
    for (const [name] of await tx.keys(chatTable)) this.#chats.add(name as string);
  }

  /** Reads our subscriptions. Needed only to connect; with 100,000 conversations it takes seconds. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const { device } = this.#context;
    await device.read(async (tx) => {
      for (const [identity] of await tx.keys(negotiatedTable)) this.#negotiated.add(identity as string);
      for (const [identity] of await tx.keys(contactTable)) {
        this.#watched.add(identity as string);
        // A peer that knows another device of ours may have written to it already.
        this.#negotiated.add(identity as string);
      }
      this.#answered = (await device.answeredStrangers(tx)).map(encodeHex);
      for await (const { segments, value } of tx.list(groupTable, [], () => {})) {
        const [groupId] = segments as [string];
        if (!value.left) this.#groups.set(this.groupChannel(groupId).name, groupId);
      }
    });
    this.#loaded = true;
  }

  /** All that we subscribe to now. */
  channels(): readonly Channel[] {
    return [...this.#fixedChannels(), ...this.#negotiatedChannels().values()];
  }

  /** Those that were not negotiated with somebody. */
  #fixedChannels(): readonly Channel[] {
    const { device, settings } = this.#context;
    return [
      { kind: 'partitioned', recipient: device.identity },
      { kind: 'discovery', recipient: device.identity },
      // Our other devices publish their bundles there, too: so each finds the others.
      contactCodeChannel(settings.crypto, device.identity),
      ...[...this.#chats, ...this.#groups.keys()].map((name): Channel => ({ kind: 'public', name })),
      // Not only contacts, but all peers we talk to: one that lost its devices is found again by its bundle.
      ...[...new Set([...this.#watched, ...this.#negotiated])].map((name) =>
        contactCodeChannel(settings.crypto, decodeHex(name) as PublicKey),
      ),
    ];
  }

  /** By identity in hex, the negotiated topics that we subscribe to. */
  #negotiatedChannels(): ReadonlyMap<string, NegotiatedChannel> {
    const names = new Set([...this.#negotiated, ...this.#answered]);
    return new Map([...names].map((name) => [name, this.negotiatedChannel(decodeHex(name) as PublicKey)]));
  }

  /** The channel of a group. */
  groupChannel(groupId: string): Extract<Channel, { kind: 'public' }> {
    return { kind: 'public', name: groupChannelName(this.#context.settings.crypto, decodeHex(groupId)) };
  }

  negotiatedChannel(identity: PublicKey): NegotiatedChannel {
    return { kind: 'negotiated', secret: this.#context.device.negotiatedSecret(identity) as SharedKey };
  }

  /** Passes our current subscriptions to the transport. */
  async update(): Promise<void> {
    const { connection } = this;
    if (connection === undefined) return;
    const negotiated = this.#negotiatedChannels();
    this.#peers = new Map([...negotiated].map(([name, { secret }]) => [nameOf(secret), name]));
    await connection.subscribe([...this.#fixedChannels(), ...negotiated.values()]);
  }

  /** With whom a topic that we subscribe to was negotiated. */
  peerOf({ secret }: NegotiatedChannel): PublicKey | undefined {
    const name = this.#peers.get(nameOf(secret));
    return name === undefined ? undefined : (decodeHex(name) as PublicKey);
  }

  /** Closes the connection, once. */
  async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    await connection?.close();
  }

  /** Subscribes to an identity's bundle until the end of this run, from the next {@link update} on. */
  watch(identity: PublicKey): void {
    this.#watched.add(encodeHex(identity));
  }

  /** Subscribes to a contact's bundle and to the topic negotiated with it. */
  subscribeContact(tx: Transaction, identity: PublicKey): void {
    this.#change(tx, () => this.watch(identity));
    this.subscribeNegotiated(tx, identity);
  }

  /** No longer subscribes to an identity's bundle as that of a contact. */
  unsubscribeContact(tx: Transaction, identity: PublicKey): void {
    this.#change(tx, () => this.#watched.delete(encodeHex(identity)));
  }

  /** Subscribes to the topic negotiated with an identity. */
  subscribeNegotiated(tx: Transaction, identity: PublicKey): void {
    const name = encodeHex(identity);
    if (this.#negotiated.has(name)) return;
    // Before `load` it may be stored already, and is written once more.
    tx.put(negotiatedTable, new Uint8Array(0), name);
    this.#change(tx, () => this.#negotiated.add(name));
  }

  /** Subscribes to the topics negotiated with exactly these strangers, whom we answered. */
  async subscribeAnswered(tx: Transaction): Promise<void> {
    const answered = (await this.#context.device.answeredStrangers(tx)).map(encodeHex);
    this.#change(tx, () => {
      this.#answered = answered;
    });
  }

  /** No longer subscribes to the topic negotiated with an identity. */
  unsubscribeNegotiated(tx: Transaction, identity: PublicKey): void {
    const name = encodeHex(identity);
    tx.delete(negotiatedTable, name);
    this.#change(tx, () => {
      this.#negotiated.delete(name);
      this.#answered = this.#answered.filter((other) => other !== name);
    });
  }

  subscribeChat(tx: Transaction, chat: string): void {
    tx.put(chatTable, { joinedAt: BigInt(Math.trunc(this.#context.settings.clock.now())) }, chat);
    this.#change(tx, () => this.#chats.add(chat));
  }

  unsubscribeChat(tx: Transaction, chat: string): void {
    tx.delete(chatTable, chat);
    this.#change(tx, () => this.#chats.delete(chat));
  }

  /** Subscribes to the channel of a group that is stored. @returns whether we were not subscribed to it */
  subscribeGroup(tx: Transaction, groupId: string): boolean {
    const { name } = this.groupChannel(groupId);
    const isNew = !this.#groups.has(name);
    if (isNew) this.#change(tx, () => this.#groups.set(name, groupId));
    return isNew;
  }

  unsubscribeGroup(tx: Transaction, groupId: string): void {
    this.#change(tx, () => this.#groups.delete(this.groupChannel(groupId).name));
  }

  /** The group whose channel this is, if we subscribe to it. */
  groupOf(channel: Channel): string | undefined {
    return channel.kind === 'public' ? this.#groups.get(channel.name) : undefined;
  }

  /** Whether a public channel is the one on which an identity publishes its bundle. */
  isContactCodeOf(name: string, identity: PublicKey): boolean {
    return contactCodeChannel(this.#context.settings.crypto, identity).name === name;
  }

  /** Calls `listener` for each bundle that arrives on an identity's contact-code channel; the returned function ends that. */
  onContactCode(identity: PublicKey, listener: (fromHistory: boolean) => void): () => void {
    const name = encodeHex(identity);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#listeners.delete(name);
    };
  }

  /** Reports a message on a public channel that was processed, or is a duplicate of one. */
  noteProcessed({ channel, sender, fromHistory }: TransportMessage): void {
    const listeners = this.#listeners.get(encodeHex(sender));
    if (listeners === undefined || channel.kind !== 'public') return;
    if (this.isContactCodeOf(channel.name, sender)) for (const listener of listeners) listener(fromHistory);
  }

  inChat(name: string): boolean {
    return this.#chats.has(name);
  }

  chats(): readonly string[] {
    return [...this.#chats].toSorted();
  }

  /** All changes of one transaction reach the transport as one update. */
  #change(tx: Transaction, change: () => unknown): void {
    tx.onCommit('state', change);
    if (this.#changed.has(tx)) return;
    this.#changed.add(tx);
    tx.onCommit('subscribe', () => this.update());
  }
}

/** A quarter of a secret names it: short, as there are as many as conversations. */
function nameOf(secret: Uint8Array): string {
  return encodeHex(secret.subarray(0, 8));
}
