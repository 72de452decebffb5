import { encodeHex, errorName, type PublicKey, parseFunction, silentLogger, systemClock } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { HybridSuite } from '@sotto/device';
import { openMessengerDevice as openDevice } from '@sotto/device/internal';
import { checkEventName, checkMessengerOptions, checkPayload } from './arguments.js';
import { CatchUp } from './connection/catch-up.js';
import { Subscriptions } from './connection/subscriptions.js';
import { Contacts } from './contacts/contacts.js';
import type { Discovery } from './discovery/discovery.js';
import { MessengerChats } from './facade/chats.js';
import { MessengerContacts } from './facade/contacts.js';
import { MessengerDevices } from './facade/devices.js';
import { MessengerGroups } from './facade/groups.js';
import { MessengerOutbox } from './facade/outbox.js';
import { MessengerRequests } from './facade/requests.js';
import { FanOut } from './groups/fan-out.js';
import { groupPartsLoader, type LoadGroupParts } from './groups/load-group-parts.js';
import { DecryptionFailures } from './inbound/decryption-failures.js';
import { Inbox } from './inbound/inbox.js';
import { Receiver } from './inbound/receiver.js';
import { SealedSenders } from './inbound/sealed-senders.js';
import { BundlePublication } from './outbound/bundle-publication.js';
import { DeliveryTracker } from './outbound/delivery-tracker.js';
import { Outbox } from './outbound/outbox.js';
import { Sender } from './outbound/sender.js';
import { throwIfAborted } from './runtime/abort.js';
import { CleanUp } from './runtime/clean-up.js';
import type { MessengerContext } from './runtime/context.js';
import { type KindOf, parseRecipient, type Recipient } from './runtime/conversation.js';
import { Events, type MessengerEvents } from './runtime/events.js';
import { DEFAULT_LIMITS } from './runtime/limits.js';
import type { MessengerOptions, SendOptions, StartOptions } from './runtime/options.js';
import type { DirectSendResult, GroupSendResult, PublicSendResult, SendResult } from './runtime/results.js';
import { Runtime } from './runtime/runtime.js';
import { Startup } from './startup.js';

/**
 * Opens a store as a device of an identity. Attach listeners, then call {@link Messenger.start}.
 *
 * @throws INVALID_ARGUMENT with the name of the wrong option; whatever `openDevice` throws
 */
export async function createMessenger(options: MessengerOptions): Promise<Messenger> {
  checkMessengerOptions(options);
  const { sealedSender = true } = options;
  const { pseudonyms } = options.transport.capabilities;
  const settings = {
    ...options,
    crypto: options.crypto ?? (await loadDefaultProvider()),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    directories: options.directories ?? [],
    names: options.names,
    sealsMessages: sealedSender && pseudonyms === 'both',
  };
  const events = new Events(settings.logger);
  const device = await openDevice({
    ...settings,
    sealedSender: sealedSender && pseudonyms !== undefined,
    hybrid: options.postQuantum === false ? undefined : await loadHybridSuite(settings.crypto),
    onHookError: (error) => events.storageError(error),
  });
  const runtime = new Runtime(device, events, settings.clock);
  const { continuity } = settings.store;
  const restored = settings.restored ?? continuity === 'rolled-back';
  const replaced = restored ? 'restored' : continuity === 'lost' ? 'lost' : undefined;
  const messenger = new Messenger({ device, events, runtime, settings }, replaced);
  await messenger.load();
  return messenger;
}

/** Its code is loaded only where no other provider is given. */
async function loadDefaultProvider(): Promise<CryptoProvider> {
  const { defaultProvider } = await import('./runtime/default-provider.js');
  return defaultProvider();
}

/** Its code is loaded only where it is offered. */
async function loadHybridSuite(crypto: CryptoProvider): Promise<HybridSuite> {
  const { createHybridSuite } = await import('@sotto/device/hybrid');
  return createHybridSuite(crypto);
}

/** The whole protocol for one device, over a store and a transport. Made by {@link createMessenger}. */
export class Messenger {
  /** Contacts, their verification, and contact codes. */
  readonly contacts: MessengerContacts;
  /** Strangers who wrote, and blocked identities. */
  readonly requests: MessengerRequests;
  /** Our other devices, those of others, and the sessions with them. */
  readonly devices: MessengerDevices;
  /** Private groups. */
  readonly groups: MessengerGroups;
  /** Public chats. */
  readonly chats: MessengerChats;
  /** Messages on their way: pending and failed ones. */
  readonly outbox: MessengerOutbox;
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #loadGroupParts: LoadGroupParts;
  readonly #fanOut: FanOut;
  readonly #contacts: Contacts;
  readonly #inbox: Inbox;
  readonly #startup: Startup;
  /** Loaded when it is first needed. */
  #discovery: Promise<Discovery> | undefined;
  #started = false;

  /** @internal */
  constructor(context: MessengerContext, storeReplaced: 'lost' | 'restored' | undefined) {
    const tracker = new DeliveryTracker(context.events);
    const subscriptions = new Subscriptions(context);
    const catchUp = new CatchUp(context, subscriptions);
    const outbox = new Outbox(context, tracker);
    const sender = new Sender(context, outbox, subscriptions);
    const publication = new BundlePublication(context, outbox, () => this.#publishInDirectories());
    const loadGroupParts = groupPartsLoader(context, () => ({
      fanOut,
      sender,
      outbox,
      subscriptions,
      catchUp,
    }));
    const fanOut: FanOut = new FanOut(context, loadGroupParts, sender, tracker);
    const contacts = new Contacts(context, subscriptions, sender, catchUp);
    const inbox = new Inbox(context);
    const failures = new DecryptionFailures(context, sender, subscriptions);
    const receiver = new Receiver(context, subscriptions, failures, { contacts, loadGroupParts, inbox });
    const cleanUp = new CleanUp(context);
    const started = {
      subscriptions,
      inbox,
      sealedSenders: new SealedSenders(context, subscriptions),
      receiver,
      outbox,
      fanOut,
      catchUp,
      cleanUp,
      publication,
      contacts,
    };
    this.#context = context;
    this.#subscriptions = subscriptions;
    this.#outbox = outbox;
    this.#sender = sender;
    this.#loadGroupParts = loadGroupParts;
    this.#fanOut = fanOut;
    this.#contacts = contacts;
    this.#inbox = inbox;
    this.#startup = new Startup(context, started, storeReplaced);
    this.contacts = new MessengerContacts(context, contacts, publication, {
      load: () => this.#loadDiscovery(),
      publish: () => this.#publishInDirectories(true),
    });
    this.requests = new MessengerRequests(context, contacts);
    this.devices = new MessengerDevices(context, sender, publication, () => this.#loadDiscovery());
    this.groups = new MessengerGroups(context, loadGroupParts);
    this.chats = new MessengerChats(context, subscriptions);
    this.outbox = new MessengerOutbox(context, outbox, fanOut, tracker);
  }

  /** @internal Reads what an earlier run left. */
  async load(): Promise<void> {
    await this.#context.device.read(async (tx) => {
      await this.#inbox.load(tx);
      await this.#outbox.load(tx);
      await this.#fanOut.load(tx);
      await this.#subscriptions.loadChats(tx);
      await this.#contacts.load(tx);
    });
  }

  /** Our public key, 33 bytes. */
  get identity(): PublicKey {
    return this.#context.device.identity;
  }

  /** The name of this device among those of our identity. */
  get installationId(): string {
    return this.#context.device.installationId;
  }

  /** Adds a listener for one kind of event; the returned function removes it. Events are emitted after the commit that they report. */
  on<K extends keyof MessengerEvents>(
    name: K,
    listener: (event: MessengerEvents[K]) => void | Promise<void>,
  ): () => void {
    checkEventName(name);
    parseFunction(listener, 'listener');
    return this.#context.events.on(name, listener);
  }

  /**
   * Redelivers what was not acknowledged in an earlier run, and connects. The outbox is sent and missed messages are fetched
   * in the background; `flushed` waits for the former. From then on the transport reconnects by itself.
   *
   * While a start is in progress, a further call returns the same promise, whatever its options, and ends a wait between
   * attempts: call it when the network is back.
   * @throws TRANSPORT_UNAVAILABLE, STORE codes, ABORTED, CLOSED. The messenger is not connected then, and `start` may be called again
   */
  async start(options: StartOptions = {}): Promise<void> {
    await this.#startup.start(options);
    this.#started = true;
    this.#publishInDirectories();
  }

  #loadDiscovery(): Promise<Discovery> {
    this.#discovery ??= import('./discovery/discovery.js').then(
      ({ Discovery: Loaded }) => new Loaded(this.#context, this.#subscriptions),
      (error: unknown) => {
        this.#discovery = undefined;
        throw error;
      },
    );
    return this.#discovery;
  }

  /**
   * Publishes in directories what is due, in the background, once the messenger has started.
   * @param impatient tries again at once what failed
   */
  #publishInDirectories(impatient = false): void {
    const { runtime, settings } = this.#context;
    if (!this.#started || runtime.closed || settings.directories.length === 0) return;
    this.#loadDiscovery().then(
      (discovery) => discovery.publish(impatient),
      (error: unknown) => settings.logger.warn('directories not loaded', { error: errorName(error) }),
    );
  }

  /**
   * Sends what it can from the outbox, then closes transport and store; a `start` in progress rejects with CLOSED. May be
   * called again.
   */
  async close(): Promise<void> {
    if (this.#context.runtime.closed) return;
    this.#context.runtime.close();
    this.#startup.stop();
    await this.#discovery?.then(
      (discovery) => discovery.close(),
      () => {},
    );
    await this.flushed();
    await this.#outbox.detach();
    await this.#subscriptions.disconnect();
    await this.#context.device.close();
  }

  /** Resolves when the outbox is empty, or its rest has to be retried later. */
  async flushed(): Promise<void> {
    await this.#context.runtime.settled();
    await this.#outbox.settled();
  }

  /**
   * Sends a message to a person, a group or a public chat.
   *
   * - A person: encrypted for their devices and our own other ones, and stored. Resolves then; it is sent from then on, after
   *   a restart if need be.
   * - A group: stored first, then encrypted for some members at a time. Resolves when that is done; after a
   *   crash, the next start continues.
   * - A public chat: signed, and readable by anyone. Resolves when it is stored. It need not be joined.
   *
   * The event `sent` reports that the transport has accepted all of it.
   *
   * @param to the `conversation` of a received message, for instance; a bare public key of 33 or 65 bytes is a person
   * @param payload borrowed
   * @throws INVALID_ARGUMENT, INVALID_PUBLIC_KEY, INVALID_TEXT; NO_DEVICE_REACHED for a person; NOT_FOUND, NOT_PERMITTED
   *   for a group; LIMIT_EXCEEDED when the outbox is full; ABORTED, STORE codes, CLOSED. Nothing was sent then
   */
  async send<R extends Recipient>(
    to: R,
    payload: Uint8Array,
    options: SendOptions = {},
  ): Promise<SendResult<KindOf<R>>> {
    checkPayload(payload);
    const conversation = parseRecipient(this.#context.settings.crypto, to);
    const send = () => {
      switch (conversation.kind) {
        case 'direct':
          return this.#sendDirect(conversation, payload, options);
        case 'public':
          return this.#sendPublic(conversation, payload, options);
        case 'group':
          return this.#sendToGroup(conversation, payload, options);
      }
    };
    return (await send()) as SendResult<KindOf<R>>;
  }

  async #sendDirect(
    conversation: { readonly kind: 'direct'; readonly peer: PublicKey },
    payload: Uint8Array,
    { alongside, onProgress, signal, ownCopy }: SendOptions,
  ): Promise<DirectSendResult> {
    const { kind, peer } = conversation;
    const result = await this.#context.runtime.transaction(async (tx) => {
      throwIfAborted(signal, 'send');
      await this.#contacts.accept(tx, peer);
      const posted = await this.#sender.sendDirect(tx, peer, payload, ownCopy);
      const { devices, ownDevices, sealedSender } = posted;
      const id = encodeHex(posted.id);
      tx.alongside(alongside?.({ id, conversation, devices, sealedSender }) ?? []);
      return { kind, id, devices, sealedSender, ownDevices };
    });
    onProgress?.(1, 1);
    return result;
  }

  async #sendPublic(
    conversation: { readonly kind: 'public'; readonly name: string },
    payload: Uint8Array,
    { alongside, onProgress, signal }: SendOptions,
  ): Promise<PublicSendResult> {
    const { kind, name } = conversation;
    const result = await this.#context.runtime.transaction(async (tx) => {
      throwIfAborted(signal, 'send');
      const id = encodeHex(await this.#sender.sendPublic(tx, name, payload));
      tx.alongside(alongside?.({ id, conversation, devices: [], sealedSender: false }) ?? []);
      return { kind, id };
    });
    onProgress?.(1, 1);
    return result;
  }

  async #sendToGroup(
    { groupId }: { readonly groupId: string },
    payload: Uint8Array,
    options: SendOptions,
  ): Promise<GroupSendResult> {
    const { groups } = await this.#loadGroupParts();
    const queued = await this.#context.runtime.transaction(async (tx) => {
      throwIfAborted(options.signal, 'send');
      return groups.send(tx, groupId, payload, options);
    });
    return queued.result();
  }
}
