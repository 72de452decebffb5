import {
  type ClockSkew,
  compareBytes,
  decodeHex,
  encodeHex,
  type PublicKey,
  parseFunction,
  SottoError,
  silentLogger,
  systemClock,
} from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { decodeContactCode } from '@sotto/protocol-codec';
import { Answers } from './answers.js';
import { checkEventName, checkMessengerOptions, checkPayload } from './arguments.js';
import { Blocklist } from './blocklist.js';
import { CatchUp } from './catch-up.js';
import { StoredChannelKeys } from './channel-keys.js';
import { ContactCodes } from './contact-codes.js';
import { Delivery } from './delivery.js';
import { continuityOf, type Device, type DeviceInfo, openDevice } from './device/device.js';
import { publicMessageIdFor } from './device/messages.js';
import { getPeer, putPeer } from './device/peers.js';
import type { MessageRequest } from './device/requests.js';
import type { Effects } from './effects.js';
import { Events, type MessengerEvents } from './events.js';
import { FanOut } from './groups/fan-out.js';
import { type Group, Groups, type Outgoing } from './groups/groups.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Listening } from './listening.js';
import type { GiveUpOptions, GroupSendOptions, MessengerOptions, SendOptions, Settings } from './options.js';
import { Outbox } from './outbox.js';
import { encodePayload } from './payload.js';
import { Receiving } from './receiving.js';
import type { Contact, GroupSendResult, SendResult } from './results.js';
import { SendOutcomes } from './send-outcomes.js';
import { Sending } from './sending.js';
import { Steps } from './steps.js';
import type { UnitOfWork } from './storage/ledger.js';
import { contactTable } from './storage/tables.js';
import { parseChatName } from './topics.js';

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
  const messenger = new Messenger(await openDevice(settings), settings);
  const { store, restored } = settings;
  const continuity = continuityOf(store);
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
  readonly #device: Device;
  readonly #settings: Settings;
  readonly #events: Events;
  readonly #outcomes: SendOutcomes;
  readonly #outbox: Outbox;
  readonly #listening: Listening;
  readonly #steps: Steps;
  readonly #sending: Sending;
  readonly #contactCodes: ContactCodes;
  readonly #groups: Groups;
  readonly #fanOut: FanOut;
  readonly #delivery: Delivery;
  readonly #blocklist: Blocklist;
  readonly #receiving: Receiving;
  readonly #catchUp: CatchUp;
  #storeReplaced: 'lost' | 'restored' | undefined;
  #starting: Promise<void> | undefined;
  #clockIsOff = false;

  /** @internal Made by {@link createMessenger}. */
  constructor(device: Device, settings: Settings) {
    const { crypto, clock, logger, limits } = settings;
    this.#device = device;
    this.#settings = settings;
    const events = new Events(logger);
    const outcomes = new SendOutcomes(events);
    const outbox = new Outbox(device, clock, outcomes, events, limits);
    const listening = new Listening(device, crypto);
    const steps = new Steps(device, outbox, listening, events, clock, () => this.publishContactCode());
    const sending = new Sending(device, outbox, listening, settings);
    const groups = new Groups(device, settings);
    const fanOut = new FanOut(device, crypto, groups, outcomes, sending, steps, limits);
    const delivery = new Delivery(device, events, steps, clock, limits);
    const answers = new Answers(device, listening, sending, settings);
    const blocklist = new Blocklist();
    this.#events = events;
    this.#outcomes = outcomes;
    this.#outbox = outbox;
    this.#listening = listening;
    this.#steps = steps;
    this.#sending = sending;
    this.#contactCodes = new ContactCodes(device, listening, sending, steps, settings);
    this.#groups = groups;
    this.#fanOut = fanOut;
    this.#delivery = delivery;
    this.#blocklist = blocklist;
    this.#receiving = new Receiving(
      device,
      groups,
      events,
      listening,
      answers,
      blocklist,
      steps,
      fanOut,
      delivery,
      settings,
      (work, effects, identity) => this.#letIn(work, effects, identity),
    );
    this.#catchUp = new CatchUp(listening, steps, settings);
  }

  /** @internal Reads what an earlier run left. */
  async load(replaced?: 'lost' | 'restored'): Promise<void> {
    this.#storeReplaced = replaced;
    await this.#device.ledger.run(async (work) => {
      await this.#delivery.load(work);
      await this.#outbox.load(work);
      await this.#fanOut.load(work);
      await this.#listening.loadChats(work);
      await this.#blocklist.load(work);
    });
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
    checkEventName(name);
    parseFunction(listener, 'listener');
    return this.#events.on(name, listener);
  }

  /**
   * Gives what was not acknowledged in an earlier run and connects. What waits is sent and what came meanwhile is
   * fetched in the background; `flushed` waits for that.
   * @throws TRANSPORT_UNAVAILABLE, STORE codes, CLOSED
   */
  async start(): Promise<void> {
    this.#steps.checkOpen();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    if (this.#listening.connection !== undefined) return;
    await this.#listening.load();
    this.#steps.checkOpen();
    if (this.#storeReplaced !== undefined) this.#events.emit('storeReplaced', { how: this.#storeReplaced });
    this.#storeReplaced = undefined;
    this.#delivery.giveUnread();
    const { transport, identity } = this.#settings;
    const connection = await transport.connect({
      identity,
      channelKeys: new StoredChannelKeys(this.#device.ledger, this.#settings.logger),
      onMessage: async (message) => {
        await this.#receiving.receive(message);
        if (compareBytes(message.sender, identity.publicKey) !== 0) this.#catchUp.heard(message.sentAt);
      },
      onClock: (skew) => this.#heardClock(skew),
      onStatus: (status) => {
        this.#events.emit('status', status);
        if (status === 'connected') this.#outbox.retryNow();
        this.#catchUp.followConnection(status);
      },
    });
    // From here on steps tell it what they want listened to: they may come while the first list is being taken.
    this.#listening.connection = connection;
    try {
      await this.#listening.listen();
      this.#steps.checkOpen();
    } catch (error) {
      await this.#listening.disconnect();
      throw error;
    }
    this.#outbox.attach(connection);
    this.#steps.inBackground(this.#fanOut.continue());
    this.#catchUp.begin();
    await this.publishContactCode();
    this.#steps.inBackground(this.#contactCodes.announceToContacts());
  }

  #heardClock(skew: ClockSkew): void {
    this.#catchUp.heardSkew(skew.skewMs);
    const wasOff = this.#clockIsOff;
    this.#clockIsOff = skew.skewMs !== 0;
    if (this.#clockIsOff || wasOff) this.#events.emit('clockSkew', skew);
  }

  /**
   * Sends what was taken as far as the transport lets, then closes transport and store; a `start` under way rejects with
   * CLOSED. Closing twice is fine.
   */
  async close(): Promise<void> {
    if (this.#steps.closed) return;
    this.#steps.close();
    await this.flushed();
    await this.#outbox.detach();
    await this.#listening.disconnect();
    await this.#device.close();
  }

  /** Resolves when the transport has taken all messages, or has to be tried again later. */
  async flushed(): Promise<void> {
    await this.#steps.settled();
    await this.#outbox.settled();
  }

  /** Ids of the messages of which a part has yet to be encrypted for somebody, or to be taken by the transport. */
  async unsent(): Promise<ReadonlySet<string>> {
    return this.#steps.run(async (work) => {
      return new Set([...this.#outcomes.waiting(), ...(await this.#fanOut.waiting(work))]);
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
    this.#steps.checkOpen();
    if ((await this.#outbox.retry(id)) === 0) throw noSuchMessage(id);
  }

  /**
   * Gives a message up: its parts that failed, wait for the transport, or have yet to be encrypted for members of a group, are
   * never sent. Some may have been taken before.
   * @throws NOT_FOUND when no part of such a message waits or has failed; INVALID_ARGUMENT; STORE codes
   */
  async giveUp(id: string, options: GiveUpOptions = {}): Promise<void> {
    this.#steps.checkOpen();
    const given = await this.#outbox.giveUp(id, options.alongside, (work) => this.#fanOut.drop(work, id));
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
    return this.#steps.run(async (work, effects) => {
      await this.#accept(work, effects, recipient);
      const content = encodePayload({ $case: 'application', value: payload });
      const encrypted = await this.#sending.encryptTo(work, effects, recipient, content);
      const isOwn = compareBytes(recipient, this.identity) === 0;
      const ownDevices = isOwn
        ? []
        : await this.#sending.copyToOwnDevices(
            work,
            effects,
            encodePayload({ $case: 'ownCopy', value: { to: recipient, payload } }),
            encrypted.id,
          );
      const id = encodeHex(encrypted.id);
      work.alongside(options.alongside?.({ id, devices: encrypted.devices }) ?? []);
      return { id, devices: encrypted.devices, ownDevices };
    });
  }

  // Contacts and bundles

  /** Our bundle as a text to show or send to people. */
  async contactCode(): Promise<string> {
    return this.#steps.run((work) => this.#device.contactCode(work));
  }

  /**
   * Adds a contact, listens for its bundle and to the topic negotiated with it, and tells it our bundle once, so that it
   * writes to this device as well when it knows others of ours.
   * @param who a contact code, or an identity of 33 or 65 bytes
   * @throws INVALID_TEXT, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE, INVALID_PUBLIC_KEY
   */
  async addContact(who: string | Uint8Array, name = ''): Promise<Contact> {
    const bundle = typeof who === 'string' ? decodeContactCode(who) : undefined;
    const identity = this.#parse(bundle?.identity ?? (who as Uint8Array));
    return this.#steps.run(async (work, effects) => {
      if (bundle !== undefined)
        this.#receiving.tellNews(effects, identity, await this.#device.processBundle(work, bundle));
      await this.#accept(work, effects, identity);
      await this.#contactCodes.announceTo(work, effects, identity, name);
      this.#listening.hearNegotiated(work, effects, identity);
      const { verified } = await getPeer(work, identity);
      effects.listen = true;
      effects.after.push(() => this.#listening.watch(identity));
      return { identity, name, verified };
    });
  }

  /** No longer listens for an identity's bundle; sessions with it stay. */
  async removeContact(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#steps.run(async (work, effects) => {
      work.delete(contactTable, encodeHex(key));
      effects.after.push(() => this.#listening.unwatch(key));
      effects.listen = true;
    });
  }

  async contacts(): Promise<readonly Contact[]> {
    return this.#steps.run(async (work) => {
      const found: Contact[] = [];
      for await (const { segments, value } of work.list(contactTable, [], () => {})) {
        const identity = decodeHex(segments[0] as string) as PublicKey;
        found.push({ identity, name: value.name, verified: (await getPeer(work, identity)).verified });
      }
      return found;
    });
  }

  /** Notes whether the user has compared safety numbers with an identity, which lets it in. */
  async setVerified(identity: Uint8Array, verified: boolean): Promise<void> {
    const key = this.#parse(identity);
    await this.#steps.run(async (work, effects) => {
      if (verified) await this.#accept(work, effects, key);
      putPeer(work, key, { ...(await getPeer(work, key)), verified });
    });
  }

  // Message requests

  /**
   * Those who wrote to us and whom the user hasn't let in yet, oldest first. Until then no topic of theirs is listened to
   * beyond what an answer of ours moved them to, and only so much is kept of them (docs/limits.md).
   */
  async requests(): Promise<readonly MessageRequest[]> {
    return this.#steps.run((work) => this.#device.requests(work));
  }

  /**
   * Lets an identity in: its messages are no request any more, and we listen to its topics. What history has of the time
   * since its request is fetched. Writing to somebody, on another device of ours as well, or adding a contact, does the same.
   * @throws INVALID_PUBLIC_KEY
   */
  async accept(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#steps.run((work, effects) => this.#letIn(work, effects, key));
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
    await this.#blocklist.while(key, () => this.#block(key));
  }

  async #block(key: PublicKey): Promise<void> {
    await this.#steps.run(async (work, effects) => {
      this.#blocklist.block(work, effects, key);
      await this.#device.forgetStranger(work, key);
      work.delete(contactTable, encodeHex(key));
      effects.after.push(() => this.#listening.unwatch(key));
      this.#listening.unhearNegotiated(work, effects, key);
      effects.tell('blocked', { identity: key, blocked: true });
    });
  }

  /**
   * Takes again what an identity sends. What it sent meanwhile was dropped, and comes only if history is asked for that time
   * again and still has it. Somebody who was let in before still is.
   * @throws INVALID_PUBLIC_KEY
   */
  async unblock(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#steps.run(async (work, effects) => {
      this.#blocklist.unblock(work, effects, key);
      if (await this.#device.isKnown(work, key)) this.#listening.hearNegotiated(work, effects, key);
      effects.tell('blocked', { identity: key, blocked: false });
    });
  }

  /** The identities that the user blocked, 33 bytes each, in order of their bytes. */
  blocked(): readonly PublicKey[] {
    return this.#blocklist.list();
  }

  /**
   * Looks for an identity's bundle on its contact-code topic: listens from now on, and asks history where the
   * transport has it. Resolves when history was asked.
   * @returns whether a device of the identity is known now
   */
  async lookUp(identity: Uint8Array): Promise<boolean> {
    return this.#contactCodes.lookUp(this.#parse(identity));
  }

  /** Publishes our bundle on our contact-code topic; done by itself on start, on rotation and every 6 hours. */
  async publishContactCode(): Promise<void> {
    await this.#contactCodes.publish();
  }

  // Devices

  /** What is known of an identity's devices: by default our own other ones. */
  async devices(identity: Uint8Array = this.identity): Promise<readonly DeviceInfo[]> {
    const key = this.#parse(identity);
    return this.#steps.run((work) => this.#device.devices(work, key));
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
    await this.#steps.run((work, effects) => this.#sending.tellBundle(work, effects, this.identity));
  }

  /**
   * Gives up the sessions with an identity, or with one of its devices: the next message begins a new one.
   */
  async resetSession(identity: Uint8Array, installationId?: string): Promise<void> {
    const key = this.#parse(identity);
    await this.#steps.run(async (work, effects) => {
      await this.#device.resetSessions(work, key, installationId);
      effects.tell('sessionReset', { identity: key, installationId });
    });
  }

  // Public chats

  /** Listens to a public chat. @throws INVALID_TEXT */
  async joinChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#steps.run(async (work, effects) =>
      this.#listening.joinChat(work, effects, chat, this.#settings.clock.now()),
    );
    await this.#listening.listen();
  }

  async leaveChat(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#steps.run(async (work, effects) => this.#listening.leaveChat(work, effects, chat));
  }

  /** The public chats that were joined. */
  chats(): readonly string[] {
    return this.#listening.chats();
  }

  /** Says something in a public chat, readable by anybody. @throws INVALID_TEXT */
  async sendPublic(
    name: string,
    payload: Uint8Array,
    options: SendOptions = {},
  ): Promise<{ readonly id: string }> {
    const chat = parseChatName(name);
    checkPayload(payload);
    return this.#steps.run(async (work, effects) => {
      const message = await this.#device.encodePublic(
        work,
        encodePayload({ $case: 'application', value: payload }),
      );
      const channel = { $case: 'publicName', value: chat } as const;
      await this.#device.rememberSent(work, message, chat);
      const messageId = publicMessageIdFor(this.#settings.crypto, this.identity, message, chat);
      const id = encodeHex(this.#sending.post(work, effects, channel, message, messageId));
      work.alongside(options.alongside?.({ id, devices: [] }) ?? []);
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
    const { groupId, id } = await this.#steps.run(async (work, effects) => {
      const { groupId, outgoing } = this.#groups.create(work, name, parsed);
      effects.tell('groupChanged', { groupId });
      return { groupId, id: this.#queue(work, outgoing, options) };
    });
    const result = await this.#fanOut.continue(id, options);
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
    return this.#steps.run((work) => this.#groups.get(work, groupId));
  }

  async groups(): Promise<readonly Group[]> {
    return this.#steps.run((work) => this.#groups.list(work));
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
    const id = await this.#steps.run(async (work) =>
      this.#queue(work, await this.#groups.send(work, groupId, payload), options),
    );
    return this.#fanOut.continue(id, options);
  }

  // Within

  /** The user lets an identity in, in the step under way. */
  async #accept(work: UnitOfWork, effects: Effects, identity: PublicKey): Promise<void> {
    if (await this.#device.isAccepted(work, identity)) return;
    const { requestedAt } = await getPeer(work, identity);
    await this.#device.accept(work, identity);
    effects.tell('accepted', { identity });
    await this.#listening.hearAnswered(work, effects);
    if (requestedAt === 0n) return;
    // What it wrote since to the topic that an answer moved it to, which may not have been listened to all the time.
    const channels = [
      this.#listening.negotiatedChannel(identity),
      { kind: 'partitioned', recipient: this.identity } as const,
    ];
    effects.after.push(() =>
      this.#catchUp.fetch(channels, Number(requestedAt) - this.#settings.limits.maxClockAheadMs),
    );
  }

  /** Lets an identity in, and listens to its topic, in the step under way. */
  async #letIn(work: UnitOfWork, effects: Effects, identity: PublicKey): Promise<void> {
    await this.#accept(work, effects, identity);
    this.#listening.hearNegotiated(work, effects, identity);
  }

  async #changeGroup(
    groupId: string,
    action: Parameters<Groups['change']>[2],
    options: GroupSendOptions = {},
  ): Promise<GroupSendResult> {
    const id = await this.#steps.run(async (work, effects) => {
      const outgoing = await this.#groups.change(work, groupId, action);
      if (outgoing === undefined) return undefined;
      effects.tell('groupChanged', { groupId });
      return this.#queue(work, outgoing, options);
    });
    return id === undefined ? { id: '', members: [] } : this.#fanOut.continue(id, options);
  }

  /** Puts a message to members into the queue, and what the application keeps of it into the same commit. */
  #queue(work: UnitOfWork, outgoing: Outgoing, options: GroupSendOptions): string {
    const { id } = this.#fanOut.add(work, outgoing);
    work.alongside(options.alongside?.({ id, devices: [] }) ?? []);
    return id;
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#settings.crypto.secp256k1.parsePublicKey(key);
  }

  async #updateOwnDevice(
    installationId: string,
    change: Parameters<Device['updateDevice']>[3],
  ): Promise<void> {
    await this.#steps.run((work) => this.#device.updateDevice(work, this.identity, installationId, change));
  }
}
