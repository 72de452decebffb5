import {
  type Clock,
  type CryptoProvider,
  decodeHex,
  type ErrorCode,
  encodeHex,
  errorName,
  invalidArgument,
  isSottoError,
  type KeyPair,
  type Logger,
  type PublicKey,
  parseFunction,
  parseObject,
  type RandomSource,
  SerialQueue,
  SottoError,
  type Store,
  silentLogger,
  systemClock,
  type Write,
} from '@sotto/core';
import type { Conversation, Messenger, ReceivedMessage } from '@sotto/messenger';
import { checkDisplayName } from '../checks.js';
import { formatIdentity } from '../identity-text.js';
import type { StatusLimits } from '../limits.js';
import { PROFILE_2024, type StatusProfile } from '../profile.js';
import type { StatusContent } from './contents.js';
import { getPeer, profileOf, type StatusContext } from './context.js';
import { Delivery } from './delivery.js';
import { type StatusClientEvents, type StatusEnvelope, StatusEvents } from './events.js';
import { GroupStates } from './groups.js';
import { HeldMessages } from './held.js';
import { DEFAULT_STATUS_CLIENT_LIMITS, type StatusClientLimits } from './limits.js';
import { Peers } from './peers.js';
import { readPayload, type StatusPayload } from './read-payload.js';
import { StatusReceiver } from './receiver.js';
import { Draft } from './records.js';
import { type StatusOutgoing, StatusSender, type StatusSendOptions, type StatusSent } from './sender.js';
import { StatusContacts } from './status-contacts.js';
import { StatusGroups } from './status-groups.js';

/** What {@link createStatusClient} needs. */
export interface StatusClientOptions {
  /** Not started yet: messages that it emits before are missed until its next start. */
  readonly messenger: Messenger;
  /** The messenger's store; the messenger closes it. */
  readonly store: Store;
  /** Every primitive. */
  readonly crypto: CryptoProvider;
  /** The messenger's identity: signs messages. Borrowed until `close`. */
  readonly identity: KeyPair;
  /** What people are taken for until they show what they are. Default: {@link PROFILE_2024}. */
  readonly profile?: StatusProfile | undefined;
  /** The name that goes with our messages: 5 to 24 letters, digits, spaces, `_` or `-`. Clients of 2020 ignore it. Default: none. */
  readonly displayName?: string | undefined;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Varies the time of repeats, and names groups. Default: that of `crypto`. */
  readonly random?: RandomSource | undefined;
  /** What is kept at most. Default: {@link DEFAULT_STATUS_CLIENT_LIMITS}. */
  readonly limits?: Partial<StatusClientLimits> | undefined;
  /** What is accepted from outside. Default: `DEFAULT_STATUS_LIMITS`. */
  readonly decodeLimits?: Partial<StatusLimits> | undefined;
  /** Receives events and codes, never contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

type AcknowledgeOptions = NonNullable<Parameters<StatusEnvelope['acknowledge']>[0]>;

/** Waits shorter than this are of no use: several repeats go out together. In milliseconds. */
const SHORTEST_WAIT_MS = 50;

/**
 * Opens the application layer of Status clients over a messenger: call it between `createMessenger` and `start`. From then on it
 * receives all messages, and the application gets them from it.
 * @throws INVALID_ARGUMENT, STORE codes
 */
export async function createStatusClient(options: StatusClientOptions): Promise<StatusClient> {
  parseObject(options.messenger, 'messenger', 'send', 'on');
  parseObject(options.store, 'store', 'get', 'commit');
  if (!options.crypto.equalBytes(options.messenger.identity, options.identity.publicKey))
    throw invalidArgument('identity', 'another one than that of the messenger');
  const logger = options.logger ?? silentLogger;
  const context: StatusContext = {
    messenger: options.messenger,
    store: options.store,
    crypto: options.crypto,
    identity: options.identity,
    clock: options.clock ?? systemClock,
    random: options.random ?? options.crypto.randomBytes,
    logger,
    events: new StatusEvents(logger),
    profile: options.profile ?? PROFILE_2024,
    displayName: parseDisplayName(options.displayName ?? ''),
    limits: { ...DEFAULT_STATUS_CLIENT_LIMITS, ...options.limits },
    decodeLimits: options.decodeLimits,
  };
  const client = new StatusClient(context);
  await client.load();
  return client;
}

function parseDisplayName(name: string): string {
  try {
    checkDisplayName('display name', name, PROFILE_2024);
  } catch (cause) {
    if (isSottoError(cause, 'MALFORMED_MESSAGE')) throw invalidArgument('display name', cause.details.reason);
    throw cause;
  }
  return name;
}

/** The application layer of Status clients for one device. Made by {@link createStatusClient}. */
export class StatusClient {
  /** Contact requests. */
  readonly contacts: StatusContacts;
  /** Status groups; those of the messenger are in `messenger.groups`. */
  readonly groups: StatusGroups;
  readonly #context: StatusContext;
  readonly #queue = new SerialQueue();
  readonly #delivery: Delivery;
  readonly #peers: Peers;
  readonly #held: HeldMessages;
  readonly #receiver: StatusReceiver;
  readonly #sender: StatusSender;
  readonly #stops: (() => void)[] = [];
  /** People to whom acknowledgements are about to be sent, in hex. */
  readonly #acknowledging = new Set<string>();
  #cancelTimer = () => {};
  #closed = false;

  /** @internal */
  constructor(context: StatusContext) {
    const me = formatIdentity(context.crypto, context.identity.publicKey);
    const inTurn = <T>(run: () => Promise<T>) => this.#inTurn(run);
    this.#context = context;
    this.#delivery = new Delivery(context);
    this.#peers = new Peers(context);
    const states = new GroupStates(context, me);
    this.#sender = new StatusSender(context, this.#delivery, this.#peers, states);
    this.contacts = new StatusContacts(context, this.#sender, inTurn);
    this.groups = new StatusGroups(context, this.#sender, states, inTurn);
    this.#held = new HeldMessages(context);
    this.#receiver = new StatusReceiver(context, this.#delivery, states, this.#held, {
      answer: (peer) => this.#inBackground(() => this.contacts.answer(peer)),
      join: (groupId) => this.#inBackground(() => this.groups.joinNow(groupId)),
      makeRoom: (draft, isUninvited) => this.groups.makeRoom(draft, isUninvited),
    });
  }

  /** @internal Reads what an earlier run left, and begins to listen. */
  async load(): Promise<void> {
    const { messenger } = this.#context;
    await this.#delivery.load();
    await this.#peers.load();
    await this.#held.load();
    this.#stops.push(
      messenger.on('message', (message) => this.#deliver(message)),
      this.#context.events.on('groupChanged', () => this.#inBackground(() => this.#offerHeld())),
      messenger.on('sent', ({ id }) => this.#inBackground(() => this.#delivery.noteSent(id))),
      messenger.on('sendFailed', ({ id, error }) =>
        this.#inBackground(() => this.#delivery.noteFailed(id, error)),
      ),
      messenger.on('accepted', ({ identity }) => this.#inBackground(() => this.#noteAccepted(identity))),
      messenger.on('contactChanged', ({ identity, contact }) =>
        this.#inBackground(() => this.contacts.noteContact(identity, contact !== undefined)),
      ),
    );
    this.#inBackground(() => this.#resume());
  }

  /** Adds a listener for one kind of event; the returned function removes it. */
  on<K extends keyof StatusClientEvents>(
    name: K,
    listener: (event: StatusClientEvents[K]) => void | Promise<void>,
  ): () => void {
    parseFunction(listener, 'listener');
    return this.#context.events.on(name, listener);
  }

  /** Stops listening and repeating, and waits for what is in progress. Close the messenger after it. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#cancelTimer();
    await this.#queue.settled();
  }

  /** Resolves when everything that is due was given to the messenger. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /**
   * Sends a message, or a change of one.
   *
   * - A person: signed, and repeated until they acknowledge it (events `delivered` and `undelivered`). Our own other devices get the same
   *   message, in the form that deployed clients read. Resolves when it is stored, as `send` of the messenger.
   * - A public chat, or a group of the messenger: signed, and sent once.
   * - A Status group: stored for each member, then sent as to a person; event `sent` follows.
   *
   * @throws INVALID_TEXT, LIMIT_EXCEEDED for the text; NOT_FOUND, NOT_PERMITTED for a group; what `send` of the messenger throws
   */
  async send(
    conversation: Conversation,
    content: StatusOutgoing,
    options: StatusSendOptions = {},
  ): Promise<StatusSent> {
    return this.#inTurn(() => this.#sender.send(conversation, content, options));
  }

  /**
   * Tells the author of messages that the user has seen them, in a private message; Sotto users learn it by `receipts` of `alongside`, deployed
   * clients ignore it. Nothing is sent to people whom the user hasn't accepted.
   * @param author 33 or 65 bytes
   * @param messageIds `0x` and 64 hex digits each; of more than `maxReadAtOnce` the last ones are sent
   * @param options.alongside writes of the application for the same commit, if something is sent; keys begin with `app/`
   * @returns whether something was sent
   * @throws INVALID_PUBLIC_KEY; INVALID_TEXT for an id; what `send` of the messenger throws
   */
  async sendRead(
    author: Uint8Array,
    conversation: Exclude<Conversation, { readonly kind: 'public' }>,
    messageIds: readonly string[],
    { alongside = [] }: { readonly alongside?: readonly Write[] | undefined } = {},
  ): Promise<boolean> {
    const { crypto, identity, messenger } = this.#context;
    const peer = crypto.secp256k1.parsePublicKey(author);
    return this.#inTurn(async () => {
      const isOwn = crypto.equalBytes(peer, identity.publicKey);
      if (isOwn || messageIds.length === 0 || !(await messenger.requests.isAccepted(peer))) return false;
      await this.#sender.sendRead(peer, conversation, messageIds, alongside);
      return true;
    });
  }

  /**
   * Announces this device to the other devices of our identity, so that they can pair it; they are announced by content `pairing`.
   * @param device as people named it, and such as `ios`
   * @throws INVALID_ARGUMENT, STORE codes
   */
  async announceDevice(device: { readonly name: string; readonly deviceType: string }): Promise<void> {
    await this.#inTurn(() => this.#sender.announceDevice(device));
  }

  /** The generation of a person's client: as they have shown it, or the one that is assumed. @param identity 33 or 65 bytes */
  async profileOf(identity: Uint8Array): Promise<StatusProfile> {
    const { crypto, store } = this.#context;
    const name = encodeHex(crypto.secp256k1.parsePublicKey(identity));
    return profileOf(this.#context, await getPeer(Draft.of(store), name));
  }

  /** Ids of messages of which a copy for somebody waits for the transport, and has not failed. */
  unsent(): ReadonlySet<string> {
    return this.#delivery.unsent();
  }

  /** Ids of messages of which a copy for somebody could not be sent, with the code of the error. */
  failed(): ReadonlyMap<string, ErrorCode> {
    return this.#delivery.failed();
  }

  /**
   * Offers the failed copies of a message to the transport once more. `sent` or `sendFailed` follow.
   * @param messageId `0x` and 64 hex digits
   * @throws NOT_FOUND when no copy has failed; STORE codes, CLOSED
   */
  async retry(messageId: string): Promise<void> {
    await this.#inTurn(() => this.#delivery.retry(messageId));
  }

  /**
   * Gives a message up: copies that failed, or wait for the transport, are never sent, and nothing is repeated. Others may have
   * received it already.
   * @param messageId `0x` and 64 hex digits
   * @param options.alongside writes of the application for the same commit; keys begin with `app/`
   * @throws NOT_FOUND when no copy waits or has failed; STORE codes, CLOSED
   */
  async giveUp(
    messageId: string,
    { alongside = [] }: { readonly alongside?: readonly Write[] | undefined } = {},
  ): Promise<void> {
    await this.#inTurn(() => this.#delivery.giveUp(messageId, alongside));
  }

  #deliver(message: ReceivedMessage): void {
    const { crypto, decodeLimits, events } = this.#context;
    const place = { sender: message.sender, isPublic: message.conversation.kind === 'public' };
    let payload: ReturnType<typeof readPayload>;
    let refused: SottoError | undefined;
    try {
      payload = readPayload(crypto, message.payload, place, decodeLimits);
    } catch (error) {
      if (!isSottoError(error)) throw error;
      refused = error;
    }
    const isStatus = payload !== undefined || refused !== undefined;
    events.emit('message', {
      message,
      isStatus,
      acknowledge: ({ alongside } = {}) =>
        this.#inTurn(async () => {
          const contents = await this.#process(message, payload, alongside, (writes) =>
            message.acknowledge({ alongside: writes }),
          );
          if (contents === undefined) return undefined;
          if (refused !== undefined) events.emit('refused', { sender: message.sender, error: refused });
          this.#sendAcknowledgements(message.sender);
          if (!message.ownCopy) this.#delivery.hurry(message.sender, message.sentAt);
          if (contents.some(({ what }) => what === 'group')) this.#inBackground(() => this.#offerHeld());
          return contents;
        }),
    });
  }

  /** @param commit stores the writes, unless the message was acknowledged before */
  async #process(
    message: ReceivedMessage,
    payload: StatusPayload | undefined,
    alongside: AcknowledgeOptions['alongside'],
    commit: (writes: readonly Write[]) => Promise<boolean>,
  ): Promise<readonly StatusContent[] | undefined> {
    const draft = Draft.of(this.#context.store);
    const { contents, receipts } =
      payload === undefined
        ? { contents: [], receipts: [] }
        : await this.#receiver.process(draft, message, payload);
    const also = (await alongside?.(contents, receipts)) ?? [];
    if (!(await commit([...draft.writes, ...also]))) return undefined;
    draft.committed();
    this.#peers.noteChanges(draft.writes);
    return contents;
  }

  /** Gives the application the held messages that can be judged now. Those that it doesn't acknowledge are offered again. */
  async #offerHeld(): Promise<void> {
    const { events, store } = this.#context;
    for (const { key, message: held, enclosed } of await this.#held.all()) {
      const payload = { messages: [enclosed], datasync: undefined };
      const message = { ...held, payload: enclosed.bytes, acknowledge: async () => false };
      const trial = Draft.of(store);
      await this.#receiver.process(trial, message, payload);
      if (!trial.writes.some((write) => write.type === 'delete' && write.key === key)) continue;
      const acknowledge: StatusEnvelope['acknowledge'] = ({ alongside } = {}) =>
        this.#inTurn(() =>
          this.#process(message, payload, alongside, async (writes) => {
            if (!this.#held.has(key)) return false;
            await store.commit(writes);
            return true;
          }),
        );
      events.emit('message', { message, isStatus: true, acknowledge });
    }
  }

  /** Several that wait at the same time are sent together. */
  #sendAcknowledgements(peer: PublicKey): void {
    const name = encodeHex(peer);
    if (this.#acknowledging.has(name) || !this.#delivery.acknowledging().has(name)) return;
    this.#acknowledging.add(name);
    this.#inBackground(async () => {
      this.#acknowledging.delete(name);
      // What a stranger wrote is acknowledged when the user accepts them, so that they don't learn that we are there.
      if (await this.#context.messenger.requests.isAccepted(peer))
        await this.#delivery.sendAcknowledgements(name);
    });
  }

  async #noteAccepted(identity: PublicKey): Promise<void> {
    this.#sendAcknowledgements(identity);
    await this.contacts.answer(encodeHex(identity));
    await this.groups.joinThoseOf(identity);
  }

  /** Does what an earlier run was interrupted in. */
  async #resume(): Promise<void> {
    const { crypto, messenger } = this.#context;
    for (const name of this.#delivery.acknowledging())
      this.#sendAcknowledgements(crypto.secp256k1.parsePublicKey(decodeHex(name)));
    for (const { identity } of await messenger.contacts.list())
      await this.contacts.noteContact(identity, true);
    for (const name of await this.#peers.unanswered()) {
      if (await messenger.requests.isAccepted(decodeHex(name))) await this.contacts.answer(name);
    }
    await this.groups.joinInvited();
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closed();
    try {
      return await this.#queue.run(run);
    } finally {
      this.#schedule();
      this.#forgetPeers();
    }
  }

  #inBackground(run: () => Promise<void>): void {
    this.#inTurn(run).catch((error: unknown) => {
      if (isSottoError(error, 'CLOSED')) return;
      this.#context.logger.warn('not done', { error: errorName(error) });
    });
  }

  #forgetPeers(): void {
    if (this.#closed || !this.#peers.isOver()) return;
    this.#queue.run(() => this.#peers.forgetOldest()).catch(() => undefined);
  }

  /** Sets the timer for the next repeat. */
  #schedule(): void {
    this.#cancelTimer();
    const at = [this.#delivery.nextAt(), this.#held.nextAt()].filter((time) => time !== undefined);
    if (this.#closed || at.length === 0) return;
    const { clock } = this.#context;
    const wait = Math.max(Math.min(...at) - clock.now(), SHORTEST_WAIT_MS);
    this.#cancelTimer = clock.after(wait, () => this.#inBackground(() => this.#doDue()));
  }

  async #doDue(): Promise<void> {
    await this.#delivery.sendDue();
    if ((this.#held.nextAt() ?? Number.POSITIVE_INFINITY) <= this.#context.clock.now())
      await this.#offerHeld();
  }
}

function closed(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The client was closed.', { what: 'Status client' });
}
