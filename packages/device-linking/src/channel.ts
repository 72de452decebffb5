import {
  type Clock,
  compareBytes,
  type KeyPair,
  type Logger,
  onAbort,
  type PublicKey,
  SerialQueue,
  SottoError,
  type Store,
  type Transport,
  type Write,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  createMessenger,
  type Messenger,
  type ReceivedMessage,
  readAccount,
  writeAccount,
} from '@sotto/messenger';
import { LOOK_MS, REPEAT_MS } from './limits.js';
import { STATE_KEY, stateWrite } from './link-state.js';
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from './messages.js';
import { deleteUnder } from './pieces.js';

/** How often it is looked whether all was sent, in milliseconds. */
const SENT_CHECK_MS = 250;

/** What both sides need. */
export interface ChannelOptions {
  readonly store: Store;
  readonly transport: Transport;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** What a side makes of a message: the writes that are stored with its acknowledgement, and what follows. */
export interface Outcome {
  readonly writes?: readonly Write[] | undefined;
  readonly afterwards?: (() => void | Promise<void>) | undefined;
}

/** Why a device was not linked. */
export type Reason = SottoError<'DEVICE_NOT_LINKED'>['details']['reason'];

type Handler = (sender: PublicKey, message: LinkMessage) => Promise<Outcome | undefined>;

/**
 * An encrypted channel between two identities that exist for linking only: messages over a messenger of their own, whose store
 * keeps what isn't sent or read yet when a process is killed.
 */
export class LinkChannel {
  readonly identity: KeyPair;
  readonly #messenger: Messenger;
  readonly #options: ChannelOptions;
  readonly #queue = new SerialQueue();
  #handler: Handler = async () => undefined;
  #fail: (error: unknown) => void = () => {};
  /** Rejects when the link has failed, or the caller gives up. */
  readonly failed: Promise<never>;
  #cancelRepeat = () => {};
  #cancelWatch = () => {};
  #stopped = false;
  readonly #stopListening: () => void;

  private constructor(options: ChannelOptions, identity: KeyPair, messenger: Messenger) {
    this.#options = options;
    this.identity = identity;
    this.#messenger = messenger;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
    const { signal } = options;
    const abort = () => this.#fail(new SottoError('ABORTED', 'The caller gave up.', { what: 'linking' }));
    if (signal?.aborted) abort();
    this.#stopListening = onAbort(signal, abort);
    messenger.on('message', (message) => this.#queue.run(() => this.#receive(message)));
  }

  /** Opens the channel that is kept in a store, or a new one. */
  static async open(options: ChannelOptions): Promise<LinkChannel> {
    const { store, transport, crypto, clock, logger } = options;
    const identity = (await readAccount(store, crypto)) ?? crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
    // The messenger closes its store; ours is the caller's, and is emptied before.
    const lent: Store = withoutClose(store);
    const messenger = await createMessenger({ identity, store: lent, transport, crypto, clock, logger });
    return new LinkChannel(options, identity, messenger);
  }

  /** Connects; messages arrive from now on. */
  async start(handler: Handler): Promise<void> {
    this.#handler = handler;
    await this.unlessFailed(this.#messenger.start({ retry: true, signal: this.#options.signal }));
  }

  /** Settles as a promise does, or rejects when the link fails before. */
  unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.failed]);
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Resolves when the transport has accepted all that we have sent. */
  async sent(): Promise<void> {
    while (await this.isBehind())
      await new Promise<void>((resolve) => this.#options.clock.after(SENT_CHECK_MS, resolve));
  }

  /** Whether something of ours waits for the transport: then nothing needs to be said again. */
  async isBehind(): Promise<boolean> {
    return (await this.#messenger.outbox.pending()).size > 0;
  }

  /** Runs something between messages. Its failure fails the link. */
  async between(run: () => Promise<void>): Promise<void> {
    try {
      await this.#queue.run(async () => (this.#stopped ? undefined : run()));
    } catch (error) {
      this.#fail(error);
    }
  }

  async accept(peer: PublicKey): Promise<void> {
    await this.#messenger.requests.accept(peer);
  }

  async send(peer: PublicKey, message: LinkMessage, writes: readonly Write[] = []): Promise<void> {
    await this.#messenger.send(peer, encodeLinkMessage(message), { alongside: () => writes, ownCopy: false });
  }

  /** Stores something of a side, between messages. */
  async commit(writes: readonly Write[]): Promise<void> {
    await this.#options.store.commit([...writes]);
  }

  /** Calls `run` when nothing has come for a while, and again. A message that means something starts the wait anew. */
  repeat(run: () => Promise<void>): void {
    this.#cancelRepeat();
    if (this.#stopped) return;
    this.#cancelRepeat = this.#options.clock.after(REPEAT_MS, () => {
      void this.between(async () => ((await this.isBehind()) ? undefined : run()));
      this.repeat(run);
    });
  }

  /**
   * Fails the link once its time is over.
   * @param end is asked each time: it may have moved. `undefined` when there is none any more
   */
  watch(end: () => { readonly until: number; readonly reason: Reason } | undefined): void {
    this.#cancelWatch();
    const { clock } = this.#options;
    const look = () => {
      const current = end();
      if (current === undefined) return;
      const left = current.until - clock.now();
      if (left <= 0) this.#fail(notLinked(current.reason));
      else this.#cancelWatch = clock.after(Math.min(left, LOOK_MS), look);
    };
    look();
  }

  /** Stops. When it is over, empties the store, but for the state to keep. */
  async close({
    isOver,
    keep,
  }: {
    readonly isOver: boolean;
    readonly keep?: object | undefined;
  }): Promise<void> {
    this.#stopped = true;
    this.#cancelRepeat();
    this.#cancelWatch();
    this.#stopListening();
    await this.#queue.settled();
    await this.#messenger.flushed();
    await this.#messenger.close();
    if (!isOver) return;
    if (keep !== undefined) await this.commit([stateWrite(keep)]);
    await deleteUnder(this.#options.store, '', keep === undefined ? [] : [STATE_KEY]);
  }

  async #receive(message: ReceivedMessage): Promise<void> {
    if (
      message.conversation.kind !== 'direct' ||
      compareBytes(message.sender, this.identity.publicKey) === 0
    ) {
      await message.acknowledge();
      return;
    }
    let decoded: LinkMessage;
    try {
      decoded = decodeLinkMessage(message.payload);
    } catch {
      await message.acknowledge();
      return;
    }
    try {
      const outcome = this.#stopped ? undefined : await this.#handler(message.sender, decoded);
      if (this.#stopped) return;
      await message.acknowledge({ alongside: outcome?.writes ?? [] });
      await outcome?.afterwards?.();
    } catch (error) {
      this.#fail(error);
    }
  }
}

function withoutClose(store: Store): Store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'close') return async () => undefined;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export function notLinked(reason: Reason): SottoError<'DEVICE_NOT_LINKED'> {
  const texts: Readonly<Record<Reason, string>> = {
    used: 'Another device has used this code. Show a new one',
    expired: 'Nobody answered in time. Show a new code',
    declined: 'It was declined on this device',
    cancelled: 'It was cancelled on the other device',
    damaged: 'What arrived is not what was announced',
    silent: 'Nothing came from the other device for too long. Show a new code',
  };
  return new SottoError('DEVICE_NOT_LINKED', `The device was not linked: ${texts[reason]}.`, { reason });
}
