import { type ClockSkew, compareBytes, isSottoError, onAbort, type TransportConnection } from '@sotto/core';
import type { CatchUp } from './connection/catch-up.js';
import { StoredChannelKeys } from './connection/channel-keys.js';
import type { Subscriptions } from './connection/subscriptions.js';
import type { Contacts } from './contacts/contacts.js';
import type { FanOut } from './groups/fan-out.js';
import type { Inbox } from './inbound/inbox.js';
import type { Receiver } from './inbound/receiver.js';
import type { SealedSenders } from './inbound/sealed-senders.js';
import type { BundlePublication } from './outbound/bundle-publication.js';
import type { Outbox } from './outbound/outbox.js';
import { throwIfAborted } from './runtime/abort.js';
import type { CleanUp } from './runtime/clean-up.js';
import type { MessengerContext } from './runtime/context.js';
import type { StartOptions } from './runtime/options.js';

/** Wait after the first failed attempt, in milliseconds; doubled each time. */
const RETRY_FIRST_MS = 1_000;
/** Longest wait between two attempts, in milliseconds. */
const RETRY_MOST_MS = 30_000;

/** What starts once there is a connection. */
export interface Started {
  readonly subscriptions: Subscriptions;
  readonly inbox: Inbox;
  readonly sealedSenders: SealedSenders;
  readonly receiver: Receiver;
  readonly outbox: Outbox;
  readonly fanOut: FanOut;
  readonly catchUp: CatchUp;
  readonly cleanUp: CleanUp;
  readonly publication: BundlePublication;
  readonly contacts: Contacts;
}

/** Connects a messenger, retrying if asked to, and starts everything that needs a connection. */
export class Startup {
  readonly #context: MessengerContext;
  readonly #parts: Started;
  #storeReplaced: 'lost' | 'restored' | undefined;
  #starting: Promise<void> | undefined;
  /** Ends the wait for the next attempt. */
  #tryNow: (() => void) | undefined;
  #clockIsOff = false;

  /** @param storeReplaced what happened to the store, reported on start */
  constructor(context: MessengerContext, parts: Started, storeReplaced: 'lost' | 'restored' | undefined) {
    this.#context = context;
    this.#parts = parts;
    this.#storeReplaced = storeReplaced;
  }

  /** @throws the error of the last attempt; ABORTED, CLOSED */
  async start(options: StartOptions): Promise<void> {
    this.#context.runtime.checkOpen();
    this.#tryNow?.();
    this.#starting ??= this.#start(options).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Ends a start that waits for its next attempt, with CLOSED. */
  stop(): void {
    this.#tryNow?.();
  }

  async #start({ retry = false, signal, onRetry }: StartOptions): Promise<void> {
    const { runtime } = this.#context;
    let waitMs = RETRY_FIRST_MS;
    for (let attempts = 1; ; attempts++) {
      runtime.checkOpen();
      throwIfAborted(signal, 'start');
      try {
        return await this.#try(signal);
      } catch (error) {
        runtime.checkOpen();
        throwIfAborted(signal, 'start');
        if (!retry || isSottoError(error, 'CLOSED')) throw error;
        onRetry?.({ error, attempts, waitMs });
      }
      await this.#wait(waitMs, signal);
      waitMs = Math.min(2 * waitMs, RETRY_MOST_MS);
    }
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        stopListening();
        this.#tryNow = undefined;
        resolve();
      };
      const cancel = this.#context.settings.clock.after(ms, done);
      const stopListening = onAbort(signal, done);
      this.#tryNow = done;
      // The callback may have aborted it.
      if (signal?.aborted || this.#context.runtime.closed) done();
    });
  }

  async #try(signal: AbortSignal | undefined): Promise<void> {
    const { events, runtime } = this.#context;
    const { subscriptions, inbox, receiver, outbox, fanOut, catchUp, cleanUp, publication, contacts } =
      this.#parts;
    if (subscriptions.connection !== undefined) return;
    await subscriptions.load();
    runtime.checkOpen();
    if (this.#storeReplaced !== undefined) events.emit('storeReplaced', { how: this.#storeReplaced });
    this.#storeReplaced = undefined;
    inbox.redeliver();
    const connection = await this.#connect(signal);
    // From here on commits update its subscriptions, even while it processes the first list.
    subscriptions.connection = connection;
    try {
      await subscriptions.update();
      catchUp.begin();
      await this.#publish();
      runtime.checkOpen();
      throwIfAborted(signal, 'start');
    } catch (error) {
      // As if the connection was lost: what is sent until the next start is queried then.
      catchUp.followConnection('reconnecting');
      await subscriptions.disconnect();
      throw error;
    }
    outbox.attach(connection);
    fanOut.resume();
    receiver.resume();
    cleanUp.start();
    runtime.inBackground(publication.watchPreKey());
    runtime.inBackground(contacts.announceToAll());
  }

  /** Publishes our bundle, unless the outbox is full. */
  async #publish(): Promise<void> {
    try {
      await this.#parts.publication.publish();
    } catch (error) {
      if (!isSottoError(error, 'LIMIT_EXCEEDED')) throw error;
    }
  }

  #connect(signal: AbortSignal | undefined): Promise<TransportConnection> {
    const { device, events, settings } = this.#context;
    const { sealedSenders, receiver, catchUp, outbox } = this.#parts;
    return settings.transport.connect({
      identity: settings.identity,
      channelKeys: new StoredChannelKeys(device, settings.logger),
      onMessage: async (received) => {
        const message = sealedSenders.identify(received);
        if (message === undefined) return;
        await receiver.receive(message);
        if (compareBytes(message.sender, device.identity) !== 0) catchUp.noteSentAt(message.sentAt);
      },
      onClock: (skew) => this.#noteClockSkew(skew),
      onStatus: (status) => {
        events.emit('status', status);
        if (status === 'connected') outbox.retryNow();
        catchUp.followConnection(status);
      },
      ...(signal && { signal }),
    });
  }

  #noteClockSkew(skew: ClockSkew): void {
    this.#parts.catchUp.noteSkew(skew.skewMs);
    const wasOff = this.#clockIsOff;
    this.#clockIsOff = skew.skewMs !== 0;
    if (this.#clockIsOff || wasOff) this.#context.events.emit('clockSkew', skew);
  }
}
