import {
  type ClockSkew,
  compareBytes,
  encodeHex,
  type PublicKey,
  parseFunction,
  SottoError,
  silentLogger,
  systemClock,
} from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import type { DeviceInfo, MessageRequest, ReadTransaction, Transaction } from '@sotto/device';
import {
  type MessengerDevice as Device,
  openMessengerDevice as openDevice,
  publicMessageIdFor,
} from '@sotto/device/internal';
import { decodeContactCode } from '@sotto/protocol-codec';
import { checkEventName, checkMessengerOptions, checkPayload } from './arguments.js';
import { CatchUp } from './connection/catch-up.js';
import { StoredChannelKeys } from './connection/channel-keys.js';
import { Subscriptions } from './connection/subscriptions.js';
import { Contacts } from './contacts/contacts.js';
import { FanOut, type QueuedMessage } from './groups/fan-out.js';
import { type Group, Groups } from './groups/groups.js';
import { MemberSync } from './groups/member-sync.js';
import { GroupRecords } from './groups/records.js';
import { DecryptionFailures } from './inbound/decryption-failures.js';
import { Inbox } from './inbound/inbox.js';
import { Receiver } from './inbound/receiver.js';
import { BundlePublication } from './outbound/bundle-publication.js';
import { DeliveryTracker } from './outbound/delivery-tracker.js';
import { Outbox } from './outbound/outbox.js';
import { Sender } from './outbound/sender.js';
import { CleanUp } from './runtime/clean-up.js';
import type { MessengerContext } from './runtime/context.js';
import { Events, type MessengerEvents } from './runtime/events.js';
import { DEFAULT_LIMITS } from './runtime/limits.js';
import type { GiveUpOptions, GroupSendOptions, MessengerOptions, SendOptions } from './runtime/options.js';
import { encodePayload } from './runtime/payload.js';
import type { Contact, GroupSendResult, SendResult } from './runtime/results.js';
import { Runtime } from './runtime/runtime.js';
import { parseChatName } from './runtime/topics.js';

/**
 * Opens a store as a device of an identity. Attach listeners, then call {@link Messenger.start}.
 *
 * @throws INVALID_ARGUMENT that names the option that is wrong; what `openDevice` throws
 */
export async function createMessenger(options: MessengerOptions): Promise<Messenger> {
  checkMessengerOptions(options);
  const settings = {
    ...options,
    crypto: options.crypto ?? defaultProvider(),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const events = new Events(settings.logger);
  const device = await openDevice({ ...settings, onHookError: (error) => events.storageError(error) });
  const runtime = new Runtime(device, events, settings.clock);
  const messenger = new Messenger({ device, events, runtime, settings });
  const { store, restored } = settings;
  const { continuity } = store;
  await messenger.load(
    (restored ?? continuity === 'rolled-back') ? 'restored' : continuity === 'lost' ? 'lost' : undefined,
  );
  return messenger;
}

function noSuchMessage(id: string): SottoError {
  return new SottoError('NOT_FOUND', 'No part of such a message waits or has failed.', {
    what: 'message',
    id,
  });
}

/** The whole protocol for one device, over a store and a transport. */
export class Messenger {
  readonly #context: MessengerContext;
  readonly #tracker: DeliveryTracker;
  readonly #subscriptions: Subscriptions;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #publication: BundlePublication;
  readonly #groups: Groups;
  readonly #fanOut: FanOut;
  readonly #contacts: Contacts;
  readonly #inbox: Inbox;
  readonly #receiver: Receiver;
  readonly #catchUp: CatchUp;
  readonly #cleanUp: CleanUp;
  #storeReplaced: 'lost' | 'restored' | undefined;
  #starting: Promise<void> | undefined;
  #clockIsOff = false;

  /** @internal Made by {@link createMessenger}. */
  constructor(context: MessengerContext) {
    const tracker = new DeliveryTracker(context.events);
    const subscriptions = new Subscriptions(context);
    const catchUp = new CatchUp(context, subscriptions);
    const outbox = new Outbox(context, tracker);
    const sender = new Sender(context, outbox, subscriptions);
    const groupRecords = new GroupRecords(context.settings.crypto);
    const memberSync = new MemberSync(context);
    const fanOut = new FanOut(context, groupRecords, memberSync, sender, tracker);
    const groups = new Groups(context, groupRecords, memberSync, fanOut);
    const contacts = new Contacts(context, subscriptions, sender, catchUp);
    const inbox = new Inbox(context);
    const failures = new DecryptionFailures(context, sender, subscriptions);
    this.#context = context;
    this.#tracker = tracker;
    this.#subscriptions = subscriptions;
    this.#outbox = outbox;
    this.#sender = sender;
    this.#publication = new BundlePublication(context, outbox);
    this.#groups = groups;
    this.#fanOut = fanOut;
    this.#contacts = contacts;
    this.#inbox = inbox;
    this.#receiver = new Receiver(context, subscriptions, failures, { contacts, groups, inbox });
    this.#catchUp = catchUp;
    this.#cleanUp = new CleanUp(context);
  }

  /** @internal Reads what an earlier run left. */
  async load(replaced?: 'lost' | 'restored'): Promise<void> {
    this.#storeReplaced = replaced;
    await this.#context.device.read(async (tx) => {
      await this.#inbox.load(tx);
      await this.#outbox.load(tx);
      await this.#fanOut.load(tx);
      await this.#subscriptions.loadChats(tx);
      await this.#contacts.load(tx);
    });
  }

  /** 33 bytes. */
  get identity(): PublicKey {
    return this.#context.device.identity;
  }

  get installationId(): string {
    return this.#context.device.installationId;
  }

  /** Listens to one kind of event; the returned function stops it. An event is emitted after what it reports is stored. */
  on<K extends keyof MessengerEvents>(
    name: K,
    listener: (event: MessengerEvents[K]) => void | Promise<void>,
  ): () => void {
    checkEventName(name);
    parseFunction(listener, 'listener');
    return this.#context.events.on(name, listener);
  }

  /**
   * Gives what was not acknowledged in an earlier run and connects. What waits is sent and what came meanwhile is
   * fetched in the background; `flushed` waits for that.
   * @throws TRANSPORT_UNAVAILABLE, STORE codes, CLOSED
   */
  async start(): Promise<void> {
    this.#context.runtime.checkOpen();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { device, events, runtime, settings } = this.#context;
    if (this.#subscriptions.connection !== undefined) return;
    await this.#subscriptions.load();
    runtime.checkOpen();
    if (this.#storeReplaced !== undefined) events.emit('storeReplaced', { how: this.#storeReplaced });
    this.#storeReplaced = undefined;
    this.#inbox.redeliver();
    const connection = await settings.transport.connect({
      identity: settings.identity,
      channelKeys: new StoredChannelKeys(device, settings.logger),
      onMessage: async (message) => {
        await this.#receiver.receive(message);
        if (compareBytes(message.sender, device.identity) !== 0) this.#catchUp.noteSentAt(message.sentAt);
      },
      onClock: (skew) => this.#noteClockSkew(skew),
      onStatus: (status) => {
        events.emit('status', status);
        if (status === 'connected') this.#outbox.retryNow();
        this.#catchUp.followConnection(status);
      },
    });
    // From here on commits tell it what we subscribe to: they may come while the first list is being taken.
    this.#subscriptions.connection = connection;
    try {
      await this.#subscriptions.update();
      runtime.checkOpen();
    } catch (error) {
      await this.#subscriptions.disconnect();
      throw error;
    }
    this.#outbox.attach(connection);
    this.#fanOut.resume();
    this.#catchUp.begin();
    this.#cleanUp.start();
    await this.#publication.publish();
    runtime.inBackground(this.#publication.watchPreKey());
    runtime.inBackground(this.#contacts.announceToAll());
  }

  #noteClockSkew(skew: ClockSkew): void {
    this.#catchUp.noteSkew(skew.skewMs);
    const wasOff = this.#clockIsOff;
    this.#clockIsOff = skew.skewMs !== 0;
    if (this.#clockIsOff || wasOff) this.#context.events.emit('clockSkew', skew);
  }

  /**
   * Sends what was taken as far as the transport lets, then closes transport and store; a `start` in progress rejects with
   * CLOSED. Closing twice is fine.
   */
  async close(): Promise<void> {
    if (this.#context.runtime.closed) return;
    this.#context.runtime.close();
    await this.flushed();
    await this.#outbox.detach();
    await this.#subscriptions.disconnect();
    await this.#context.device.close();
  }

  /** Resolves when the transport has taken all messages, or has to be tried again later. */
  async flushed(): Promise<void> {
    await this.#context.runtime.settled();
    await this.#outbox.settled();
  }

  /** Ids of the messages of which a part has yet to be encrypted for somebody, or to be taken by the transport. */
  async unsent(): Promise<ReadonlySet<string>> {
    return this.#read(async (tx) => {
      return new Set([...this.#tracker.pending(), ...(await this.#fanOut.queuedIds(tx))]);
    });
  }

  /** Ids of the messages of which the transport will never take a part: {@link retry} or {@link giveUp}. */
  failed(): readonly string[] {
    return this.#outbox.failed();
  }

  /**
   * Offers the failed parts of a message to the transport once more, when the reason is gone: the clock was set right, for
   * instance. `sent` or `sendFailed` follow.
   * @throws NOT_FOUND when no part of such a message has failed; STORE codes
   */
  async retry(id: string): Promise<void> {
    this.#context.runtime.checkOpen();
    if ((await this.#outbox.retry(id)) === 0) throw noSuchMessage(id);
  }

  /**
   * Gives a message up: its parts that failed, wait for the transport, or have yet to be encrypted for members of a group, are
   * never sent. Some may have been taken before.
   * @throws NOT_FOUND when no part of such a message waits or has failed; INVALID_ARGUMENT; STORE codes
   */
  async giveUp(id: string, options: GiveUpOptions = {}): Promise<void> {
    this.#context.runtime.checkOpen();
    const given = await this.#outbox.giveUp(id, options.alongside, (tx) => this.#fanOut.drop(tx, id));
    if (given === 0) throw noSuchMessage(id);
  }

  // 1:1

  /**
   * Encrypts for the recipient's devices and our own other ones, stores the result, and hands it to the transport.
   * Resolves when it is stored: from then on it is sent, after a restart if need be. `sent` tells when it was taken.
   *
   * @param to 33 or 65 bytes
   * @param payload borrowed
   * @throws INVALID_ARGUMENT, INVALID_PUBLIC_KEY, NO_DEVICE_REACHED, LIMIT_EXCEEDED when too much waits, STORE codes, CLOSED
   */
  async send(to: Uint8Array, payload: Uint8Array, options: SendOptions = {}): Promise<SendResult> {
    const recipient = this.#parse(to);
    checkPayload(payload);
    return this.#transaction(async (tx) => {
      await this.#contacts.accept(tx, recipient);
      const { id: bytes, devices, ownDevices } = await this.#sender.sendDirect(tx, recipient, payload);
      const id = encodeHex(bytes);
      tx.alongside(options.alongside?.({ id, devices }) ?? []);
      return { id, devices, ownDevices };
    });
  }

  // Contacts and bundles

  /** Our bundle as a text to show or send to people. */
  async contactCode(): Promise<string> {
    return this.#read((tx) => this.#context.device.contactCode(tx));
  }

  /**
   * Adds a contact, subscribes to its bundle and to the topic negotiated with it, and sends it our bundle once, so that it
   * writes to this device as well when it knows others of ours.
   * @param who a contact code, or an identity of 33 or 65 bytes
   * @throws INVALID_TEXT, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE, INVALID_PUBLIC_KEY
   */
  async addContact(who: string | Uint8Array, name = ''): Promise<Contact> {
    const bundle = typeof who === 'string' ? decodeContactCode(who) : undefined;
    const identity = this.#parse(bundle?.identity ?? (who as Uint8Array));
    return this.#transaction((tx) => this.#contacts.add(tx, identity, name, bundle));
  }

  /** No longer subscribes to an identity's bundle; sessions with it stay. */
  async removeContact(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#transaction(async (tx) => this.#contacts.remove(tx, key));
  }

  async contacts(): Promise<readonly Contact[]> {
    return this.#read((tx) => this.#contacts.list(tx));
  }

  /** Notes whether the user has compared safety numbers with an identity, which lets it in. */
  async setVerified(identity: Uint8Array, verified: boolean): Promise<void> {
    const key = this.#parse(identity);
    await this.#transaction((tx) => this.#contacts.setVerified(tx, key, verified));
  }

  // Message requests

  /**
   * Those who wrote to us and whom the user hasn't let in yet, oldest first. Until then we subscribe to no topic of theirs
   * beyond what an answer of ours moved them to, and only so much is kept of them (docs/limits.md).
   */
  async requests(): Promise<readonly MessageRequest[]> {
    return this.#read((tx) => this.#context.device.requests(tx));
  }

  /**
   * Lets an identity in: its messages are no longer a request, and we subscribe to its topics. What history has of the time
   * since its request is fetched. Writing to somebody, on another device of ours as well, or adding a contact, does the same.
   * @throws INVALID_PUBLIC_KEY
   */
  async accept(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#transaction((tx) => this.#contacts.letIn(tx, key));
  }

  /**
   * Drops whatever an identity sends, groups and public chats included, before anything is done with it. What is known of
   * it stays, unless it was a request; its history is the application's.
   * @throws INVALID_PUBLIC_KEY; INVALID_ARGUMENT for our own identity
   */
  async block(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    if (compareBytes(key, this.identity) === 0) {
      throw new SottoError('INVALID_ARGUMENT', 'You cannot block your own identity.', {
        what: 'identity',
        reason: 'our own',
      });
    }
    await this.#contacts.block(key);
  }

  /**
   * Takes again what an identity sends. What it sent meanwhile was dropped, and comes only if history is asked for that time
   * again and still has it. Somebody who was let in before still is.
   * @throws INVALID_PUBLIC_KEY
   */
  async unblock(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#transaction((tx) => this.#contacts.unblock(tx, key));
  }

  /** The identities that the user blocked, 33 bytes each, in order of their bytes. */
  blocked(): readonly PublicKey[] {
    return this.#contacts.blocked();
  }

  /**
   * Looks for an identity's bundle on its contact-code topic: subscribes from now on, and asks history where the
   * transport has it. Resolves when history was asked.
   * @returns whether a device of the identity is known now
   */
  async lookUp(identity: Uint8Array): Promise<boolean> {
    return this.#contacts.lookUp(this.#parse(identity));
  }

  /** Publishes our bundle on our contact-code topic; done by itself on start, on rotation and every 6 hours. */
  async publishContactCode(): Promise<void> {
    await this.#publication.publish();
  }

  // Devices

  /** What is known of an identity's devices: by default our own other ones. */
  async devices(identity: Uint8Array = this.identity): Promise<readonly DeviceInfo[]> {
    const key = this.#parse(identity);
    return this.#read((tx) => this.#context.device.devices(tx, key));
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

  /** Announces this device to the other devices of our identity: the first step of pairing. */
  async announceDevice(): Promise<void> {
    await this.#transaction((tx) => this.#sender.sendBundle(tx, this.identity));
  }

  /**
   * Gives up the sessions with an identity, or with one of its devices: the next message begins a new one.
   */
  async resetSession(identity: Uint8Array, installationId?: string): Promise<void> {
    const key = this.#parse(identity);
    await this.#transaction(async (tx) => {
      await this.#context.device.resetSessions(tx, key, installationId);
      this.#context.events.emitOnCommit(tx, 'sessionReset', { identity: key, installationId });
    });
  }

  // Public chats

  /** Subscribes to a public chat. @throws INVALID_TEXT */
  async joinChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#transaction(async (tx) => this.#subscriptions.subscribeChat(tx, chat));
    await this.#subscriptions.update();
  }

  async leaveChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#transaction(async (tx) => this.#subscriptions.unsubscribeChat(tx, chat));
  }

  /** The public chats that were joined. */
  chats(): readonly string[] {
    return this.#subscriptions.chats();
  }

  /** Sends to a public chat, readable by anybody. @throws INVALID_TEXT */
  async sendPublic(
    name: string,
    payload: Uint8Array,
    options: SendOptions = {},
  ): Promise<{ readonly id: string }> {
    const chat = parseChatName(name);
    checkPayload(payload);
    return this.#transaction(async (tx) => {
      const message = await this.#context.device.encodePublic(
        tx,
        encodePayload({ kind: 'application', payload }),
      );
      const channel = { kind: 'public', name: chat } as const;
      await this.#context.device.rememberSent(tx, message, chat);
      const messageId = publicMessageIdFor(this.#context.settings.crypto, this.identity, message, chat);
      const id = encodeHex(this.#outbox.post(tx, channel, message, messageId));
      tx.alongside(options.alongside?.({ id, devices: [] }) ?? []);
      return { id };
    });
  }

  // Private groups

  /**
   * Creates a private group, with us as administrator.
   * @param options `alongside` for the commit that creates it
   * @throws INVALID_PUBLIC_KEY, LIMIT_EXCEEDED
   */
  async createGroup(
    name: string,
    members: readonly Uint8Array[],
    options: GroupSendOptions = {},
  ): Promise<{ readonly group: Group; readonly result: GroupSendResult }> {
    const parsed = members.map((member) => this.#parse(member));
    const { groupId, queued } = await this.#transaction(async (tx) => {
      const created = this.#groups.create(tx, name, parsed, options.onProgress);
      this.#putAlongside(tx, created.queued, options);
      return created;
    });
    const result = await queued.result();
    return { group: await this.group(groupId), result };
  }

  /** @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED */
  async renameGroup(groupId: string, name: string, options?: GroupSendOptions): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'rename', name }, options);
  }

  /** Adds members; who is one already is left out. @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY */
  async addMembers(
    groupId: string,
    members: readonly Uint8Array[],
    options?: GroupSendOptions,
  ): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'add', identities: members }, options);
  }

  /**
   * Removes members; who is none is left out. For oneself there is {@link leaveGroup}. What they changed before stays;
   * what they sign later, however dated, has no effect, unless they are more senior and remove us: docs/group-protocol.md.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY
   */
  async removeMembers(
    groupId: string,
    members: readonly Uint8Array[],
    options?: GroupSendOptions,
  ): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'remove', identities: members }, options);
  }

  /** Makes members administrators. @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY */
  async promoteMembers(
    groupId: string,
    members: readonly Uint8Array[],
    options?: GroupSendOptions,
  ): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'promote', identities: members }, options);
  }

  /**
   * Makes administrators plain members; the last one can't go before another is named.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY
   */
  async demoteMembers(
    groupId: string,
    members: readonly Uint8Array[],
    options?: GroupSendOptions,
  ): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'demote', identities: members }, options);
  }

  /**
   * Leaves a group. One that strangers put us into, and out of again, is forgotten.
   * @throws NOT_FOUND, NOT_PERMITTED when we are not a member
   */
  async leaveGroup(groupId: string, options?: GroupSendOptions): Promise<GroupSendResult> {
    return this.#changeGroup(groupId, { kind: 'leave' }, options);
  }

  /** @throws NOT_FOUND */
  async group(groupId: string): Promise<Group> {
    return this.#read((tx) => this.#groups.get(tx, groupId));
  }

  async groups(): Promise<readonly Group[]> {
    return this.#read((tx) => this.#groups.list(tx));
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
    checkPayload(payload);
    const queued = await this.#transaction(async (tx) => {
      const message = await this.#groups.send(tx, groupId, payload, options.onProgress);
      this.#putAlongside(tx, message, options);
      return message;
    });
    return queued.result();
  }

  // Within

  async #changeGroup(
    groupId: string,
    action: Parameters<Groups['change']>[2],
    options: GroupSendOptions = {},
  ): Promise<GroupSendResult> {
    const queued = await this.#transaction(async (tx) => {
      const message = await this.#groups.change(tx, groupId, action, options.onProgress);
      if (message !== undefined) this.#putAlongside(tx, message, options);
      return message;
    });
    return queued === undefined ? { id: '', members: [] } : queued.result();
  }

  /** Puts what the application keeps of a message to a group into the commit that queues it. */
  #putAlongside(tx: Transaction, { id }: QueuedMessage, { alongside }: GroupSendOptions): void {
    tx.alongside(alongside?.({ id, devices: [] }) ?? []);
  }

  #transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#context.runtime.transaction(run);
  }

  #read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#context.runtime.read(run);
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#context.settings.crypto.secp256k1.parsePublicKey(key);
  }

  async #updateOwnDevice(
    installationId: string,
    change: Parameters<Device['updateDevice']>[3],
  ): Promise<void> {
    await this.#transaction((tx) =>
      this.#context.device.updateDevice(tx, this.identity, installationId, change),
    );
  }
}
