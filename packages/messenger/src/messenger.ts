import {
  type Channel,
  type Clock,
  compareBytes,
  decodeHex,
  encodeHex,
  isSottoError,
  type KeyPair,
  type Logger,
  type PublicKey,
  type SharedKey,
  SottoError,
  type Store,
  silentLogger,
  systemClock,
  type Transport,
  type TransportConnection,
  type TransportMessage,
  type TransportStatus,
  type Write,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { type Bundle, decodeContactCode } from '@sotto/protocol-codec';
import type { DecryptOutcome } from './device/decryption.js';
import { continuityOf, type Device, type DeviceInfo, openDevice } from './device/device.js';
import { type DeviceOutcome, type EncryptedMessage, messageIdFor } from './device/encryption.js';
import { getPeer, putPeer } from './device/peers.js';
import { type Conversation, Events, type MessengerEvents, type ReceivedMessage } from './events.js';
import type { GroupChange } from './generated/sotto/messenger/v1/payload.js';
import { type InboxRecord, Protection } from './generated/sotto/messenger/v1/storage.js';
import { type Group, Groups } from './groups/groups.js';
import { Inbox } from './inbox.js';
import { DEFAULT_LIMITS, type MessengerLimits } from './limits.js';
import { Outbox, type OutboxChannel, type OutboxEntry } from './outbox.js';
import { decodePayload, encodePayload } from './payload.js';
import { SendOutcomes } from './send-outcomes.js';
import type { UnitOfWork } from './storage/ledger.js';
import { chatTable, contactTable, fanoutTable, historyTable, negotiatedTable } from './storage/tables.js';
import { contactCodeChannel, parseChatName } from './topics.js';

/** What {@link createMessenger} needs. */
export interface MessengerOptions {
  readonly identity: KeyPair;
  /** Where everything is kept; the messenger closes it. One messenger per store. */
  readonly store: Store;
  readonly transport: Transport;
  /** Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  /** Gets events and public identifiers, never keys or contents. Default: silence. */
  readonly logger?: Logger;
  /** Name of this device; drawn at random for a new store, and remembered by it. */
  readonly installationId?: string;
  readonly limits?: Partial<MessengerLimits>;
  /** The store is an old copy that was put back, see `DeviceOptions.restored`. Default: whether the store says so. */
  readonly restored?: boolean;
}

/** What became of a message that was sent. */
export interface SendResult {
  /** Names the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
  /** Per device of the recipient. */
  readonly devices: readonly DeviceOutcome[];
  /** Per other device of ours that gets a copy. */
  readonly ownDevices: readonly DeviceOutcome[];
}

/** What became of a message to one member of a group. */
export interface MemberOutcome {
  readonly member: PublicKey;
  readonly result: { readonly devices: readonly DeviceOutcome[] } | { readonly failed: SottoError };
}

/** What became of a message to a group. */
export interface GroupSendResult {
  /** Names the message in `sent` and `sendFailed`, 32 hex digits. */
  readonly id: string;
  readonly members: readonly MemberOutcome[];
}

/** An identity that the user added. */
export interface Contact {
  readonly identity: PublicKey;
  readonly name: string;
  /** The user compared safety numbers. */
  readonly verified: boolean;
}

export interface SendOptions {
  /**
   * Writes of the application for the commit that takes the message, to the messenger's store; keys begin with `app/`.
   * So what is kept of a message is there if and only if the message was taken. Called again when the commit has to be
   * done over.
   */
  readonly alongside?: (taken: TakenMessage) => readonly Write[];
}

/** A message about to be taken. */
export interface TakenMessage {
  /** Names the message in `sent` and `sendFailed`. */
  readonly id: string;
  /** Per device of the recipient; empty for public chats, and for groups, whose members are encrypted for later. */
  readonly devices: readonly DeviceOutcome[];
}

export interface GroupSendOptions extends SendOptions {
  /** Told after each batch how many members were encrypted for. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Opens a store as a device of an identity. Attach listeners, then call {@link Messenger.start}.
 *
 * @throws what `openDevice` throws
 */
export async function createMessenger(options: MessengerOptions): Promise<Messenger> {
  const crypto = options.crypto ?? defaultProvider();
  const clock = options.clock ?? systemClock;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { identity, store, installationId, restored } = options;
  const device = await openDevice({
    identity,
    store,
    crypto,
    clock,
    limits,
    ...(installationId !== undefined && { installationId }),
    ...(restored !== undefined && { restored }),
  });
  const messenger = new Messenger(device, {
    ...options,
    crypto,
    clock,
    limits,
    logger: options.logger ?? silentLogger,
  });
  const continuity = continuityOf(store);
  await messenger.load(
    (restored ?? continuity === 'rolled-back') ? 'restored' : continuity === 'lost' ? 'lost' : undefined,
  );
  return messenger;
}

type Settings = Required<Omit<MessengerOptions, 'installationId' | 'limits' | 'restored' | 'store'>> & {
  readonly limits: MessengerLimits;
};

const PROTECTIONS = {
  dr: Protection.PROTECTION_DR,
  dh: Protection.PROTECTION_DH,
  public: Protection.PROTECTION_PUBLIC,
} as const;

/** How long after a failure of the store a fan-out goes on. */
const FANOUT_RETRY_MS = 5_000;

/** What a step wants done once it is committed. */
interface Effects {
  readonly outbox: OutboxEntry[];
  readonly inbox: { readonly record: InboxRecord; readonly number: string; readonly verified: boolean }[];
  readonly events: (() => void)[];
  listen: boolean;
  preKeyVersion: number;
}

/** The whole protocol for one device, over a store and a transport. */
export class Messenger {
  readonly #device: Device;
  readonly #settings: Settings;
  readonly #events: Events;
  readonly #inbox = new Inbox();
  readonly #outbox: Outbox;
  readonly #groups: Groups;
  /** Identities whose negotiated topic is listened to, in hex; before `start` only those of this run. */
  readonly #negotiated = new Set<string>();
  /** Contacts, in hex, and those looked up in this run; before `start` only those of this run. */
  readonly #watched = new Set<string>();
  #listeningLoaded = false;
  readonly #chats = new Set<string>();
  #connection: TransportConnection | undefined;
  #storeReplaced: 'lost' | 'restored' | undefined;
  #unread: { record: InboxRecord; verified: boolean }[] = [];
  #cancelPublish: (() => void) | undefined;
  #cancelFanoutRetry: (() => void) | undefined;
  readonly #outcomes = new SendOutcomes((id) => this.#events.emit('sent', { id }));
  #fanoutTail: Promise<unknown> = Promise.resolve();
  /** Whether all that was sent to us so far has come, as far as history tells. */
  #caughtUp = false;
  /** How often the connection was lost. */
  #losses = 0;
  #catchUpTail: Promise<unknown> = Promise.resolve();
  /** Version of our signed prekey after the last step; 0 before the first. */
  #preKeyVersion = 0;
  #closed = false;
  readonly #background = new Set<Promise<unknown>>();

  /** @internal Made by {@link createMessenger}. */
  constructor(device: Device, settings: Settings) {
    this.#device = device;
    this.#settings = settings;
    this.#events = new Events((event, error) =>
      settings.logger.error('listener failed', { event, error: nameOf(error) }),
    );
    this.#groups = new Groups(settings.crypto, settings.identity);
    this.#outbox = new Outbox(
      device.ledger,
      settings.clock,
      (peer) => device.negotiatedSecret(peer) as SharedKey,
      {
        onNoneWaits: (id) => this.#outcomes.noneWaits(id),
        onFailed: (id, error) => {
          this.#outcomes.failed(id);
          this.#events.emit('sendFailed', { id, error });
        },
        onStorageTrouble: (error) => this.#storageTrouble(error),
      },
    );
  }

  /** @internal Reads what an earlier run left. */
  async load(replaced?: 'lost' | 'restored'): Promise<void> {
    this.#storeReplaced = replaced;
    await this.#device.ledger.run(async (work) => {
      for (const record of await this.#inbox.load(work, (error) => this.#storageTrouble(error))) {
        const { verified } = await getPeer(work, record.sender);
        this.#unread.push({ record, verified });
      }
      await this.#outbox.load(work);
      for (const { fanout } of await this.#groups.pendingFanouts(work)) {
        this.#outcomes.growing(encodeHex(fanout.id));
      }
      for (const [name] of await work.keys(chatTable)) this.#chats.add(name as string);
    });
  }

  /** Reads whom we listen to. Only who connects needs it, and with 100,000 conversations it takes seconds. */
  async #loadListening(): Promise<void> {
    if (this.#listeningLoaded) return;
    await this.#device.ledger.run(async (work) => {
      for (const [identity] of await work.keys(negotiatedTable)) this.#negotiated.add(identity as string);
      for (const [identity] of await work.keys(contactTable)) this.#watched.add(identity as string);
    });
    this.#listeningLoaded = true;
  }

  /** 33 bytes. */
  get identity(): PublicKey {
    return this.#device.identity;
  }

  get installationId(): string {
    return this.#device.installationId;
  }

  /** Listens to one kind of event; the function given back stops it. Listeners run after what they tell of is stored. */
  on<K extends keyof MessengerEvents>(
    name: K,
    listener: (event: MessengerEvents[K]) => void | Promise<void>,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Gives what was not acknowledged in an earlier run and connects. What waits is sent and what came meanwhile is
   * fetched in the background; `flushed` waits for that.
   * @throws TRANSPORT_UNAVAILABLE, STORE codes, CLOSED
   */
  async start(): Promise<void> {
    this.#checkOpen();
    if (this.#connection !== undefined) return;
    await this.#loadListening();
    this.#checkOpen();
    if (this.#storeReplaced !== undefined) this.#events.emit('storeReplaced', { how: this.#storeReplaced });
    this.#storeReplaced = undefined;
    const unread = this.#unread;
    this.#unread = [];
    for (const { record, verified } of unread) this.#events.emit('message', this.#describe(record, verified));
    const { transport, identity } = this.#settings;
    const connection = await transport.connect({
      identity,
      onMessage: (message) => this.#receive(message),
      onStatus: (status) => {
        this.#events.emit('status', status);
        if (status === 'connected') this.#outbox.retryNow();
        this.#followConnection(status);
      },
    });
    try {
      await connection.listen(this.#channels());
      // Closed meanwhile: nobody else knows of this connection.
      this.#checkOpen();
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    this.#outbox.attach(connection);
    this.#inBackground(this.#continueFanouts());
    this.#catchUp();
    await this.publishContactCode();
  }

  /**
   * Sends what was taken as far as the transport lets, then closes transport and store; a `start` under way rejects with
   * CLOSED. Closing twice is fine.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelPublish?.();
    this.#cancelFanoutRetry?.();
    await Promise.allSettled(this.#background);
    await this.#outbox.settled();
    await this.#outbox.detach();
    await this.#connection?.close();
    await this.#device.close();
  }

  /** Resolves when the transport has taken all messages, or has to be tried again later. */
  async flushed(): Promise<void> {
    await Promise.allSettled(this.#background);
    await this.#outbox.settled();
  }

  /** Ids of the messages of which a part has yet to be encrypted for somebody, or to be taken by the transport. */
  async unsent(): Promise<ReadonlySet<string>> {
    return this.#step(async (work) => {
      const fanouts = await this.#groups.pendingFanouts(work);
      return new Set([...this.#outbox.messageIds(), ...fanouts.map(({ fanout }) => encodeHex(fanout.id))]);
    });
  }

  // 1:1

  /**
   * Encrypts for the recipient's devices and our own other ones, stores the result, and hands it to the transport.
   * Resolves when it is stored: from then on it is sent, after a restart if need be. `sent` tells when it was taken.
   *
   * @param to 33 or 65 bytes
   * @param payload borrowed
   * @throws INVALID_PUBLIC_KEY, NO_DEVICE_REACHED, STORE codes, CLOSED
   */
  async send(to: Uint8Array, payload: Uint8Array, options: SendOptions = {}): Promise<SendResult> {
    const recipient = this.#parse(to);
    return this.#step(async (work, effects) => {
      const content = encodePayload({ $case: 'application', value: payload });
      const encrypted = await this.#encryptTo(work, effects, recipient, content);
      const isOwn = compareBytes(recipient, this.identity) === 0;
      const ownDevices = isOwn
        ? []
        : await this.#copyToOwnDevices(
            work,
            effects,
            encodePayload({ $case: 'ownCopy', value: { to: recipient, payload } }),
          );
      const id = encodeHex(encrypted.id);
      work.alongside(options.alongside?.({ id, devices: encrypted.devices }) ?? []);
      return { id, devices: encrypted.devices, ownDevices };
    });
  }

  // Contacts and bundles

  /** Our bundle as a text to show or send to people. */
  async contactCode(): Promise<string> {
    return this.#step((work) => this.#device.contactCode(work));
  }

  /**
   * Adds a contact, and listens for its bundle.
   * @param who a contact code, or an identity of 33 or 65 bytes
   * @throws INVALID_TEXT, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE, INVALID_PUBLIC_KEY
   */
  async addContact(who: string | Uint8Array, name = ''): Promise<Contact> {
    const bundle: Bundle | undefined = typeof who === 'string' ? decodeContactCode(who) : undefined;
    const identity = this.#parse(bundle?.identity ?? (who as Uint8Array));
    return this.#step(async (work, effects) => {
      if (bundle !== undefined)
        this.#tellNews(effects, identity, await this.#device.processBundle(work, bundle));
      work.put(contactTable, { name }, encodeHex(identity));
      const { verified } = await getPeer(work, identity);
      effects.listen = true;
      effects.events.push(() => this.#watched.add(encodeHex(identity)));
      return { identity, name, verified };
    });
  }

  /** No longer listens for an identity's bundle; sessions with it stay. */
  async removeContact(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#step(async (work, effects) => {
      work.delete(contactTable, encodeHex(key));
      effects.events.push(() => this.#watched.delete(encodeHex(key)));
      effects.listen = true;
    });
  }

  async contacts(): Promise<readonly Contact[]> {
    return this.#step(async (work) => {
      const found: Contact[] = [];
      for await (const { segments, value } of work.list(contactTable, [], () => {})) {
        const identity = decodeHex(segments[0] as string) as PublicKey;
        found.push({ identity, name: value.name, verified: (await getPeer(work, identity)).verified });
      }
      return found;
    });
  }

  /** Notes whether the user has compared safety numbers with an identity. */
  async setVerified(identity: Uint8Array, verified: boolean): Promise<void> {
    const key = this.#parse(identity);
    await this.#step(async (work) => putPeer(work, key, { ...(await getPeer(work, key)), verified }));
  }

  /**
   * Looks for an identity's bundle on its contact-code topic: listens from now on, and asks history where the
   * transport has it. Resolves when history was asked.
   * @returns whether a device of the identity is known now
   */
  async lookUp(identity: Uint8Array): Promise<boolean> {
    const key = this.#parse(identity);
    const { crypto, clock, limits } = this.#settings;
    this.#watched.add(encodeHex(key));
    await this.#listen();
    const now = clock.now();
    await this.#connection?.history?.({
      channels: [contactCodeChannel(crypto, key)],
      from: now - limits.lookUpMs,
      to: now + limits.maxClockAheadMs,
    });
    return this.#step(async (work) => (await this.#device.devices(work, key)).length > 0);
  }

  /** Publishes our bundle on our contact-code topic; done by itself on start, on rotation and every 6 hours. */
  async publishContactCode(): Promise<void> {
    const { crypto, clock, limits } = this.#settings;
    await this.#step(async (work, effects) => {
      const message = await this.#device.encodePublic(work);
      const { name } = contactCodeChannel(crypto, this.identity);
      this.#post(work, effects, { $case: 'publicName', value: name }, message, crypto.keccak256(message));
    });
    this.#cancelPublish?.();
    if (this.#closed) return;
    this.#cancelPublish = clock.after(limits.contactCodeIntervalMs, () => {
      if (this.#closed) return;
      this.#inBackground(this.#step((work) => this.#device.deleteExpired(work)));
      this.#inBackground(this.publishContactCode());
    });
  }

  // Devices

  /** What is known of an identity's devices: by default our own other ones. */
  async devices(identity: Uint8Array = this.identity): Promise<readonly DeviceInfo[]> {
    const key = this.#parse(identity);
    return this.#step((work) => this.#device.devices(work, key));
  }

  /**
   * Pairs another device of our identity: it gets copies of what we send, and our bundle lists it.
   * @throws NOT_FOUND while nothing was received from it
   */
  async enableDevice(installationId: string): Promise<void> {
    await this.#updateOwnDevice(installationId, { enabled: true });
  }

  /**
   * Ends the pairing with another device of ours: it gets no copies any more, and our bundle no longer lists it. Peers that
   * know it are not told, as the protocol has no word for it: they go on writing to it while it is among the most recently
   * active devices of ours.
   * @throws NOT_FOUND
   */
  async disableDevice(installationId: string): Promise<void> {
    await this.#updateOwnDevice(installationId, { enabled: false });
  }

  /** Gives another device of ours a name, or metadata. @throws NOT_FOUND */
  async describeDevice(
    installationId: string,
    description: Partial<Pick<DeviceInfo, 'name' | 'metadata'>>,
  ): Promise<void> {
    await this.#updateOwnDevice(installationId, description);
  }

  /** Tells the other devices of our identity that this one is there: the first step of pairing. */
  async announceDevice(): Promise<void> {
    await this.#step(async (work, effects) => {
      const { message } = await this.#device.encryptDh(work, this.identity, new Uint8Array(0));
      this.#post(work, effects, { $case: 'partitioned', value: this.identity }, message, this.#idOf(message));
    });
  }

  /**
   * Gives up the sessions with an identity, or with one of its devices: the next message begins a new one.
   */
  async resetSession(identity: Uint8Array, installationId?: string): Promise<void> {
    const key = this.#parse(identity);
    await this.#step(async (work, effects) => {
      await this.#device.resetSessions(work, key, installationId);
      effects.events.push(() => this.#events.emit('sessionReset', { identity: key, installationId }));
    });
  }

  // Public chats

  /** Listens to a public chat. @throws INVALID_TEXT */
  async joinChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#step(async (work, effects) => {
      work.put(chatTable, { joinedAt: BigInt(this.#settings.clock.now()) }, chat);
      effects.events.push(() => this.#chats.add(chat));
      effects.listen = true;
    });
    await this.#listen();
  }

  async leaveChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#step(async (work, effects) => {
      work.delete(chatTable, chat);
      effects.events.push(() => this.#chats.delete(chat));
      effects.listen = true;
    });
  }

  /** The public chats that were joined. */
  chats(): readonly string[] {
    return [...this.#chats].toSorted();
  }

  /** Says something in a public chat, readable by anybody. @throws INVALID_TEXT */
  async sendPublic(
    name: string,
    payload: Uint8Array,
    options: SendOptions = {},
  ): Promise<{ readonly id: string }> {
    const chat = parseChatName(name);
    return this.#step(async (work, effects) => {
      const message = await this.#device.encodePublic(
        work,
        encodePayload({ $case: 'application', value: payload }),
      );
      const id = this.#idOf(message);
      this.#post(work, effects, { $case: 'publicName', value: chat }, message, id);
      work.alongside(options.alongside?.({ id: encodeHex(id), devices: [] }) ?? []);
      return { id: encodeHex(id) };
    });
  }

  // Private groups

  /** Creates a private group, with us as administrator. @throws INVALID_PUBLIC_KEY, LIMIT_EXCEEDED */
  async createGroup(
    name: string,
    members: readonly Uint8Array[],
    options: GroupSendOptions = {},
  ): Promise<{ readonly group: Group; readonly result: GroupSendResult }> {
    const parsed = members.map((member) => this.#parse(member));
    const { groupId, fanout } = await this.#step(async (work, effects) => {
      const created = this.#groups.create(work, name, parsed, this.#settings.clock.now());
      effects.events.push(() => this.#events.emit('groupChanged', { groupId: created.groupId }));
      return created;
    });
    const result = await this.#continueFanouts(fanout.id, options);
    return { group: await this.group(groupId), result };
  }

  /** @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED */
  async renameGroup(groupId: string, name: string): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'rename', value: name });
  }

  /** @throws NOT_FOUND, NOT_PERMITTED, INVALID_PUBLIC_KEY */
  async addMembers(groupId: string, members: readonly Uint8Array[]): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'add', value: { identities: members.slice() } });
  }

  /** @throws NOT_FOUND, NOT_PERMITTED, INVALID_PUBLIC_KEY */
  async removeMembers(groupId: string, members: readonly Uint8Array[]): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'remove', value: { identities: members.slice() } });
  }

  /** Makes members administrators. @throws NOT_FOUND, NOT_PERMITTED, INVALID_PUBLIC_KEY */
  async promoteMembers(groupId: string, members: readonly Uint8Array[]): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'promote', value: { identities: members.slice() } });
  }

  /** Makes administrators plain members; the last one stays. @throws NOT_FOUND, NOT_PERMITTED, INVALID_PUBLIC_KEY */
  async demoteMembers(groupId: string, members: readonly Uint8Array[]): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'demote', value: { identities: members.slice() } });
  }

  /** @throws NOT_FOUND, NOT_PERMITTED when we are no member */
  async leaveGroup(groupId: string): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { $case: 'leave', value: {} });
  }

  /** @throws NOT_FOUND */
  async group(groupId: string): Promise<Group> {
    return this.#step((work) => this.#groups.get(work, groupId));
  }

  async groups(): Promise<readonly Group[]> {
    return this.#step((work) => this.#groups.list(work));
  }

  /**
   * Sends to each member of a group. Stored first, then encrypted for some members at a time; after a crash in
   * between the rest goes on at the next start.
   * @throws NOT_FOUND, NOT_PERMITTED
   */
  async sendToGroup(
    groupId: string,
    payload: Uint8Array,
    options: GroupSendOptions = {},
  ): Promise<GroupSendResult> {
    const { id } = await this.#step(async (work) => {
      const fanout = await this.#groups.send(work, groupId, payload);
      work.alongside(options.alongside?.({ id: encodeHex(fanout.id), devices: [] }) ?? []);
      return fanout;
    });
    return this.#continueFanouts(id, options);
  }

  // Within

  async #changeGroup(groupId: string, action: NonNullable<GroupChange['action']>): Promise<GroupSendResult> {
    const { id } = await this.#step(async (work, effects) => {
      effects.events.push(() => this.#events.emit('groupChanged', { groupId }));
      return this.#groups.change(work, groupId, action, this.#settings.clock.now());
    });
    return this.#continueFanouts(id);
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#settings.crypto.secp256k1.parsePublicKey(key);
  }

  #checkOpen(): void {
    if (this.#closed) throw new SottoError('CLOSED', 'The messenger was closed.', { what: 'messenger' });
  }

  #idOf(message: Uint8Array): Uint8Array {
    return messageIdFor(this.#settings.crypto, this.identity, message);
  }

  #storageTrouble(error: unknown): void {
    this.#settings.logger.warn('storage trouble', { error: nameOf(error) });
    this.#events.emit('storageTrouble', { error });
  }

  #inBackground(promise: Promise<unknown>): void {
    const settled = promise
      .catch((error) => this.#storageTrouble(error))
      .finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  /** One atomic step; what it wants done follows when it is stored. */
  async #step<T>(run: (work: UnitOfWork, effects: Effects) => Promise<T>): Promise<T> {
    this.#checkOpen();
    let effects = noEffects();
    const result = await this.#device.ledger.run(async (work) => {
      effects = noEffects();
      const value = await run(work, effects);
      effects.preKeyVersion = (await this.#device.currentPreKey(work)).version;
      return value;
    });
    const rotated = this.#preKeyVersion !== 0 && effects.preKeyVersion !== this.#preKeyVersion;
    this.#preKeyVersion = effects.preKeyVersion;
    for (const { record, number } of effects.inbox) this.#inbox.added(record, number);
    this.#outbox.stored(effects.outbox);
    for (const effect of effects.events) effect();
    for (const { record, verified } of effects.inbox)
      this.#events.emit('message', this.#describe(record, verified));
    // An answer may come as soon as a message has left, so the ear opens before the mouth.
    if (effects.listen)
      this.#inBackground(this.#listen().finally(() => this.#outbox.release(effects.outbox)));
    else this.#outbox.release(effects.outbox);
    if (rotated) this.#inBackground(this.publishContactCode());
    return result;
  }

  #post(
    work: UnitOfWork,
    effects: Effects,
    channel: OutboxChannel,
    payload: Uint8Array,
    messageId: Uint8Array,
  ): void {
    const createdAt = BigInt(this.#settings.clock.now());
    effects.outbox.push(this.#outbox.add(work, { payload, messageId, channel, createdAt }));
  }

  /** Encrypts for an identity and puts it on its way; the first message also opens our ear on the negotiated topic. */
  async #encryptTo(
    work: UnitOfWork,
    effects: Effects,
    to: PublicKey,
    content: Uint8Array,
    messageId?: Uint8Array,
  ): Promise<EncryptedMessage & { readonly id: Uint8Array }> {
    const encrypted = await this.#device.encryptDirect(work, to, content);
    const id = messageId ?? this.#idOf(encrypted.message);
    const negotiated = encrypted.negotiatedSecret !== undefined;
    this.#post(
      work,
      effects,
      { $case: negotiated ? 'negotiated' : 'partitioned', value: to },
      encrypted.message,
      id,
    );
    this.#hearNegotiated(work, effects, to);
    return { ...encrypted, id };
  }

  #hearNegotiated(work: UnitOfWork, effects: Effects, identity: PublicKey): void {
    const name = encodeHex(identity);
    if (this.#negotiated.has(name)) return;
    // Before `start` it may be there already, and is put once more.
    work.put(negotiatedTable, new Uint8Array(0), name);
    effects.events.push(() => this.#negotiated.add(name));
    effects.listen = true;
  }

  async #copyToOwnDevices(
    work: UnitOfWork,
    effects: Effects,
    content: Uint8Array,
  ): Promise<readonly DeviceOutcome[]> {
    if (!(await this.#device.hasPairedDevices(work))) return [];
    return (await this.#encryptTo(work, effects, this.identity, content)).devices;
  }

  async #updateOwnDevice(
    installationId: string,
    change: Parameters<Device['updateDevice']>[3],
  ): Promise<void> {
    await this.#step((work) => this.#device.updateDevice(work, this.identity, installationId, change));
  }

  /** What we listen to, in step with contacts, chats and conversations. */
  #channels(): readonly Channel[] {
    const { crypto } = this.#settings;
    return [
      { kind: 'partitioned', recipient: this.identity },
      { kind: 'discovery', recipient: this.identity },
      ...[...this.#chats].map((name): Channel => ({ kind: 'public', name })),
      // Whom we talk to as well as contacts: one that lost its devices is found again by its bundle.
      ...[...new Set([...this.#watched, ...this.#negotiated])].map((name) =>
        contactCodeChannel(crypto, decodeHex(name) as PublicKey),
      ),
      ...[...this.#negotiated].map(
        (name): Channel => ({
          kind: 'negotiated',
          secret: this.#device.negotiatedSecret(decodeHex(name) as PublicKey) as SharedKey,
        }),
      ),
    ];
  }

  async #listen(): Promise<void> {
    await this.#connection?.listen(this.#channels());
  }

  /** What is sent while the connection is lost is asked for when it is back. */
  #followConnection(status: TransportStatus): void {
    if (this.#connection?.history === undefined || this.#closed) return;
    if (status === 'connected') this.#catchUp();
    if (status === 'reconnecting') this.#losses++;
    if (status !== 'reconnecting' || !this.#caughtUp) return;
    this.#caughtUp = false;
    const completeUntil = BigInt(this.#settings.clock.now());
    this.#inBackground(this.#step(async (work) => work.put(historyTable, { completeUntil })));
  }

  #catchUp(): void {
    const run = this.#catchUpTail.then(() => (this.#caughtUp ? undefined : this.#fetchHistory()));
    this.#catchUpTail = run.catch(() => undefined);
    this.#inBackground(run);
  }

  async #fetchHistory(): Promise<void> {
    const { clock, limits } = this.#settings;
    const connection = this.#connection;
    if (connection?.history === undefined) return;
    const losses = this.#losses;
    const now = clock.now();
    const known = await this.#step((work) => work.get(historyTable));
    // Clocks differ, so the ends overlap; what comes twice is noticed.
    const slack = limits.maxClockAheadMs;
    const from = Math.max(Number(known?.completeUntil ?? 0n) - slack, now - limits.historyMaxMs);
    try {
      await connection.history({ channels: this.#channels(), from, to: now + slack });
    } catch (error) {
      this.#settings.logger.warn('history not complete', { error: nameOf(error) });
      return;
    }
    await this.#step(async (work) => work.put(historyTable, { completeUntil: BigInt(now) }));
    // Not if the connection was lost meanwhile: there is another gap then.
    this.#caughtUp = losses === this.#losses;
  }

  // Receiving

  async #receive(message: TransportMessage): Promise<void> {
    const { sender, payload } = message;
    try {
      await this.#step(async (work, effects) => {
        const outcome = await this.#device.decrypt(work, sender, payload);
        this.#tellNews(effects, sender, outcome.news);
        await this.#take(work, effects, message, outcome);
      });
    } catch (error) {
      if (!isSottoError(error) || isStorage(error)) {
        // Not kept: the transport gives it again.
        this.#storageTrouble(error);
        throw error;
      }
      if (error.code === 'CLOSED') throw error;
      if (error.code === 'DUPLICATE_MESSAGE') return;
      const messageId = messageIdFor(this.#settings.crypto, sender, payload);
      // The sender is who he says, so what doesn't open is of a session that we no longer share.
      const answered =
        SESSION_BROKEN.has(error.code) &&
        (await this.#step((work, effects) => this.#answerWithBundle(work, effects, sender)));
      this.#undecryptable({ messageId, senderInstallation: '' }, sender, error.code, error.message, answered);
    }
  }

  #undecryptable(
    outcome: Pick<DecryptOutcome, 'messageId' | 'senderInstallation'>,
    sender: PublicKey,
    code: string,
    reason: string,
    answered: boolean,
  ): void {
    const { senderInstallation } = outcome;
    const messageId = encodeHex(outcome.messageId);
    this.#settings.logger.info('undecryptable', { messageId, code });
    this.#events.emit('undecryptable', { messageId, sender, senderInstallation, code, reason, answered });
  }

  #tellNews(effects: Effects, identity: PublicKey, news: DecryptOutcome['news']): void {
    const own = compareBytes(identity, this.identity) === 0;
    for (const installationId of news.added) {
      effects.events.push(() => this.#events.emit('deviceSeen', { identity, installationId, own }));
    }
    for (const installationId of news.rotated) {
      effects.events.push(() => this.#events.emit('bundleRotated', { identity, installationId }));
    }
    for (const installationId of news.restarted) {
      effects.events.push(() => this.#events.emit('sessionReset', { identity, installationId }));
    }
  }

  async #take(
    work: UnitOfWork,
    effects: Effects,
    message: TransportMessage,
    outcome: DecryptOutcome,
  ): Promise<void> {
    const { sender } = message;
    const own = compareBytes(sender, this.identity) === 0;
    const { senderInstallation } = outcome;
    // The transport may bring us what we sent ourselves.
    if (own && senderInstallation === this.installationId) return;
    if (outcome.kind === 'bundle') return;
    if (outcome.kind === 'unreadable') {
      if (outcome.own) return;
      const answered = await this.#answerWithBundle(work, effects, sender);
      effects.events.push(() =>
        this.#undecryptable(outcome, sender, outcome.reason, REASONS[outcome.reason], answered),
      );
      return;
    }
    if (outcome.sessionBegun) {
      effects.events.push(() =>
        this.#events.emit('sessionBegun', { identity: sender, installationId: senderInstallation }),
      );
    }
    if (outcome.protection === 'public') {
      const { channel } = message;
      if (channel.kind !== 'public' || !this.#chats.has(channel.name)) return;
      this.#deliver(work, effects, message, outcome, {
        conversation: { $case: 'publicChat', value: channel.name },
        payload: outcome.payload,
        verified: (await getPeer(work, sender)).verified,
      });
      return;
    }
    if (outcome.payload.length === 0 && outcome.protection === 'dh') {
      // An answer that only tells the sender's bundle.
      if (outcome.sessionsLost) {
        effects.events.push(() =>
          this.#events.emit('sessionReset', { identity: sender, installationId: senderInstallation }),
        );
      }
      return;
    }
    const { verified } = await getPeer(work, sender);
    const content = decodePayload(outcome.payload);
    if (content.$case === 'group') {
      const { groupId, changed, told } = await this.#groups.receive(
        work,
        sender,
        senderInstallation,
        content.value,
      );
      if (changed) effects.events.push(() => this.#events.emit('groupChanged', { groupId }));
      if (told) effects.events.push(() => this.#inBackground(this.#continueFanouts()));
      if (content.value.payload === undefined) return;
      this.#deliver(work, effects, message, outcome, {
        conversation: { $case: 'group', value: content.value.groupId },
        payload: content.value.payload,
        verified,
        membership: content.value.membership,
        ownCopy: own,
      });
      return;
    }
    if (content.$case === 'ownCopy') {
      // Only our own devices can say what we sent.
      if (!own) {
        throw new SottoError('NOT_PERMITTED', 'Somebody else claims to be a device of ours.', {
          what: 'own copy',
        });
      }
      this.#deliver(work, effects, message, outcome, {
        conversation: { $case: 'peer', value: this.#parse(content.value.to) },
        payload: content.value.payload,
        verified,
        ownCopy: true,
      });
      return;
    }
    this.#deliver(work, effects, message, outcome, {
      conversation: { $case: 'peer', value: sender },
      payload: content.value,
      verified,
      ownCopy: own,
    });
  }

  #deliver(
    work: UnitOfWork,
    effects: Effects,
    message: TransportMessage,
    outcome: Extract<DecryptOutcome, { kind: 'message' }>,
    content: {
      readonly conversation: NonNullable<NonNullable<InboxRecord['conversation']>['kind']>;
      readonly payload: Uint8Array;
      readonly verified: boolean;
      readonly membership?: Uint8Array;
      readonly ownCopy?: boolean;
    },
  ): void {
    const record: InboxRecord = {
      messageId: outcome.messageId,
      sender: message.sender,
      senderInstallation: outcome.senderInstallation,
      protection: PROTECTIONS[outcome.protection],
      payload: content.payload,
      receivedAt: BigInt(this.#settings.clock.now()),
      sentAt: BigInt(Math.trunc(message.sentAt)),
      conversation: { kind: content.conversation },
      ownCopy: content.ownCopy ?? false,
      groupMembership: content.membership ?? new Uint8Array(0),
    };
    const number = this.#inbox.add(work, record);
    effects.inbox.push({ record, number, verified: content.verified });
  }

  #describe(record: InboxRecord, verified: boolean): ReceivedMessage {
    const messageId = record.messageId.slice();
    // One after another: the second one of two at the same time has to see that the first one was.
    let turn: Promise<unknown> = Promise.resolve();
    return {
      id: encodeHex(messageId),
      sender: record.sender.slice() as PublicKey,
      senderInstallation: record.senderInstallation,
      protection: protectionOf(record.protection),
      verified,
      conversation: conversationOf(record),
      ownCopy: record.ownCopy,
      membership: record.groupMembership.length > 0 ? encodeHex(record.groupMembership) : undefined,
      payload: record.payload.slice(),
      receivedAt: Number(record.receivedAt),
      sentAt: Number(record.sentAt),
      acknowledge: ({ alongside = [] } = {}) => {
        const acknowledged = turn.then(() => this.#acknowledge(messageId, alongside));
        turn = acknowledged.catch(() => undefined);
        return acknowledged;
      },
    };
  }

  /** @returns whether it waited until now */
  async #acknowledge(messageId: Uint8Array, alongside: readonly Write[]): Promise<boolean> {
    const first = await this.#step(async (work) => {
      if (!this.#inbox.has(work, messageId)) return false;
      this.#inbox.acknowledge(work, messageId);
      work.alongside(alongside);
      return true;
    });
    if (first) this.#inbox.acknowledged(messageId);
    return first;
  }

  /** Tells a peer whose message we can't read what we are, once in a while. Wire profile, section 5. */
  async #answerWithBundle(work: UnitOfWork, effects: Effects, to: PublicKey): Promise<boolean> {
    const { clock, limits } = this.#settings;
    const peer = await getPeer(work, to);
    const now = clock.now();
    const since = now - Number(peer.answeredAt);
    if (peer.answeredAt !== 0n && since >= 0 && since < limits.answerIntervalMs) return false;
    putPeer(work, to, { ...peer, answeredAt: BigInt(now) });
    const { message } = await this.#device.encryptDh(work, to, new Uint8Array(0));
    this.#post(work, effects, { $case: 'partitioned', value: to }, message, this.#idOf(message));
    this.#hearNegotiated(work, effects, to);
    return true;
  }

  // Fan-out

  /**
   * Encrypts what waits for members of groups, some members in each commit: one message, or all that an earlier run
   * left. One fan-out at a time; when the store fails, the rest is tried again by itself.
   */
  #continueFanouts(only?: Uint8Array, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    const run = this.#fanoutTail.then(() => this.#runFanouts(only, options));
    // Without the outcome, which is as long as the group.
    this.#fanoutTail = run.then(() => {}).catch(() => {});
    return run;
  }

  async #runFanouts(only: Uint8Array | undefined, options: GroupSendOptions): Promise<GroupSendResult> {
    const members: MemberOutcome[] = [];
    try {
      for (const { number, fanout } of await this.#step((work) => this.#groups.pendingFanouts(work))) {
        if (only && compareBytes(fanout.id, only)) continue;
        const id = encodeHex(fanout.id);
        const total = fanout.remaining.length;
        this.#outcomes.growing(id);
        for (let left = total; left > 0; ) {
          const done = await this.#step((work, effects) => this.#fanoutBatch(work, effects, number));
          members.push(...done.outcomes);
          left = done.left;
          options.onProgress?.(total - left, total);
        }
        this.#outcomes.grown(id, this.#outbox.waits(id));
      }
    } catch (error) {
      this.#cancelFanoutRetry?.();
      this.#cancelFanoutRetry = this.#settings.clock.after(FANOUT_RETRY_MS, () => {
        if (!this.#closed) this.#inBackground(this.#continueFanouts());
      });
      throw error;
    }
    return { id: only ? encodeHex(only) : '', members };
  }

  async #fanoutBatch(
    work: UnitOfWork,
    effects: Effects,
    number: string,
  ): Promise<{ readonly outcomes: readonly MemberOutcome[]; readonly left: number }> {
    const fanout = await work.get(fanoutTable, number);
    if (fanout === undefined) return { outcomes: [], left: 0 };
    // Fresh: an outcome that is kept shall not keep the whole record.
    const batch = fanout.remaining.slice(0, this.#settings.limits.fanoutBatch).map((one) => one.slice());
    const remaining = fanout.remaining.slice(batch.length);
    const outcomes: MemberOutcome[] = [];
    for (const member of batch as PublicKey[]) {
      const own = compareBytes(member, this.identity) === 0;
      if (own && !(await this.#device.hasPairedDevices(work))) continue;
      const devices = await this.#device.activeInstallations(work, member);
      const value = await this.#groups.payloadFor(work, fanout, member, devices);
      const content = encodePayload({ $case: 'group', value });
      try {
        const encrypted = await this.#encryptTo(work, effects, member, content, fanout.id);
        outcomes.push({ member, result: { devices: encrypted.devices } });
      } catch (error) {
        if (!isSottoError(error, 'NO_DEVICE_REACHED')) throw error;
        outcomes.push({ member, result: { failed: error } });
      }
    }
    if (remaining.length === 0) work.delete(fanoutTable, number);
    else work.put(fanoutTable, { ...fanout, remaining }, number);
    return { outcomes, left: remaining.length };
  }
}

const SESSION_BROKEN: ReadonlySet<string> = new Set([
  'AUTHENTICATION_FAILED',
  'RATCHET_KEY_MISSING',
  'RATCHET_MALFORMED',
  'RATCHET_TOO_MANY_SKIPPED',
]);

const REASONS = {
  DEVICE_NOT_ADDRESSED: 'The sender does not know this device yet. Its next message will be readable.',
  SESSION_NOT_FOUND:
    'The sender used a session that this device does not have. Its next message will be readable.',
} as const;

function noEffects(): Effects {
  return { outbox: [], inbox: [], events: [], listen: false, preKeyVersion: 0 };
}

function nameOf(error: unknown): string {
  return isSottoError(error) ? error.code : error instanceof Error ? error.name : typeof error;
}

function isStorage(error: SottoError): boolean {
  return error.code.startsWith('STORE_') || error.code === 'ABORTED';
}

function protectionOf(protection: Protection): ReceivedMessage['protection'] {
  if (protection === Protection.PROTECTION_DR) return 'dr';
  return protection === Protection.PROTECTION_PUBLIC ? 'public' : 'dh';
}

function conversationOf(record: InboxRecord): Conversation {
  const kind = record.conversation?.kind;
  switch (kind?.$case) {
    case 'publicChat':
      return { kind: 'public', name: kind.value };
    case 'group':
      return { kind: 'group', groupId: encodeHex(kind.value) };
    default:
      return { kind: 'direct', peer: (kind?.value ?? record.sender).slice() as PublicKey };
  }
}
