import {
  type Channel,
  copyBytes,
  encodeHex,
  isSottoError,
  type KeyPair,
  type SharedKey,
  SottoError,
  type TransportConnection,
  type Write,
} from '@sotto/core';
import { messageIdFor, type ReadTransaction, type Transaction } from '@sotto/device';
import type { MessengerContext } from '../runtime/context.js';
import type { OutboxChannel, OutboxMessage } from '../storage/records.js';
import { outboxTable } from '../storage/tables.js';
import type { DeliveryTracker } from './delivery-tracker.js';

/** Wait after the first failed send, in milliseconds; doubled each time. */
const RETRY_FIRST_MS = 1_000;
/** Longest wait between two attempts, in milliseconds. */
const RETRY_MOST_MS = 60_000;
/** Most sends in flight. */
const PARALLEL = 8;
/** Most failed entries kept; the oldest are dropped first. */
const MOST_FAILED = 1_000;

/** The id of what the messenger sends of its own accord: no event reports it. */
export const NO_MESSAGE_ID = new Uint8Array(0);

/** A record with its number. */
type OutboxEntry = readonly [number: string, record: OutboxMessage];

/**
 * Ciphertexts that the transport has not accepted yet. Each is stored in the transaction that advanced the ratchet, sent
 * with the same bytes until the transport accepts it, and deleted then. After a crash in between it is sent twice, which
 * the receiver's ratchet detects. Everything sent passes through here.
 */
export class Outbox {
  readonly #context: MessengerContext;
  readonly #tracker: DeliveryTracker;
  readonly #waiting = new Map<string, OutboxMessage>();
  /** Entries that failed for good, oldest first. */
  readonly #failed = new Map<string, OutboxMessage>();
  /** Bytes of all entries. */
  #bytes = 0;
  /** Entries ready to be sent, oldest first. */
  #queue = new Map<string, OutboxMessage>();
  /** Entries that are being sent, or were accepted and are being deleted. */
  readonly #inFlight = new Map<string, Promise<void>>();
  /** How many of those are being sent. */
  #sending = 0;
  #connection: TransportConnection | undefined;
  #next = 0;
  #retryAfter = RETRY_FIRST_MS;
  #cancelRetry: (() => void) | undefined;

  constructor(context: MessengerContext, tracker: DeliveryTracker) {
    this.#context = context;
    this.#tracker = tracker;
  }

  /** Reads what an earlier run left. Damaged entries are reported and left. */
  async load(tx: ReadTransaction): Promise<void> {
    const damaged = (_key: string, error: unknown) => this.#context.events.storageError(error);
    for await (const { segments, value } of tx.list(outboxTable, [], damaged)) {
      const number = segments[0] as string;
      this.#next = Number(number) + 1;
      if (this.#waiting.has(number) || this.#failed.has(number)) continue;
      this.#bytes += value.payload.length;
      const id = encodeHex(value.messageId);
      if (value.failed) {
        this.#failed.set(number, value);
        this.#tracker.addFailed(id);
      } else {
        this.#waiting.set(number, value);
        this.#tracker.addPending(id);
      }
    }
  }

  /**
   * Queues a ProtocolMessage: it is stored with the transaction and sent after the commit.
   * @param messageId id of the message that it is a part of. Default: its own. {@link NO_MESSAGE_ID} for what the messenger
   *   sends of its own accord
   * @returns the id of the message
   * @throws LIMIT_EXCEEDED when the outbox is full
   */
  post(
    tx: Transaction,
    channel: OutboxChannel,
    payload: Uint8Array,
    messageId = messageIdFor(this.#context.settings.crypto, this.#context.device.identity, payload),
  ): Uint8Array {
    const { clock, limits } = this.#context.settings;
    const actual = this.#bytes + payload.length;
    if (actual > limits.maxOutboxBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'Too much waits to be sent. Connect, or give messages up.', {
        what: 'bytes in the outbox',
        limit: limits.maxOutboxBytes,
        actual,
      });
    }
    const record = { payload, messageId, channel, createdAt: clock.now(), failed: false };
    const number = String(this.#next++).padStart(16, '0');
    tx.put(outboxTable, record, number);
    tx.onCommit('state', () => {
      this.#bytes += payload.length;
      this.#tracker.addPending(encodeHex(messageId));
    });
    tx.onCommit('send', () => this.#release([[number, record]]));
    return messageId;
  }

  /** Whether there is room for what others make us send: the other half is for what the user sends. */
  get hasRoomForAnswers(): boolean {
    return this.#bytes <= this.#context.settings.limits.maxOutboxBytes / 2;
  }

  /** Ids of the messages with a part that the transport has refused for good. */
  failed(): readonly string[] {
    const ids = new Set(Array.from(this.#failed.values(), ({ messageId }) => encodeHex(messageId)));
    ids.delete('');
    return [...ids];
  }

  /** Retries the failed parts of a message. @returns how many there were */
  async retry(id: string): Promise<number> {
    const entries = this.#failedOf(id).map(
      ([number, record]): OutboxEntry => [number, { ...record, failed: false }],
    );
    // Pending from here on, so that a concurrent call doesn't find them failed.
    for (const [number, record] of entries) {
      this.#failed.delete(number);
      this.#waiting.set(number, record);
      this.#tracker.retried(id);
    }
    try {
      await this.#context.device.transaction(async (tx) => {
        for (const [number, record] of entries) tx.put(outboxTable, record, number);
      });
    } catch (error) {
      for (const [number, record] of this.#idle(entries)) {
        this.#waiting.delete(number);
        this.#queue.delete(number);
        this.#failed.set(number, { ...record, failed: true });
        this.#tracker.addFailed(id);
        this.#tracker.removePending(id);
      }
      throw error;
    }
    this.#release(this.#idle(entries));
    return entries.length;
  }

  /** Of some entries, those that are pending and not being sent. */
  #idle(entries: readonly OutboxEntry[]): OutboxEntry[] {
    return entries.filter(([number]) => this.#waiting.has(number) && !this.#inFlight.has(number));
  }

  /**
   * Deletes the parts of a message that are not being sent now.
   * @param alongside writes of the application for the same commit, if there are any such parts
   * @param dropRest drops the parts that have yet to be made, and returns how many
   * @returns how many there were
   */
  async giveUp(
    id: string,
    alongside: readonly Write[] | undefined,
    dropRest: (tx: Transaction) => Promise<number>,
  ): Promise<number> {
    const failed = this.#failedOf(id);
    const waiting = this.#idle([...this.#waiting]).filter(([, { messageId }]) => encodeHex(messageId) === id);
    // From here on they are neither sent nor given up by a concurrent call.
    for (const [number] of failed) this.#failed.delete(number);
    for (const [number] of waiting) {
      this.#waiting.delete(number);
      this.#queue.delete(number);
    }
    let rest = 0;
    try {
      await this.#context.device.transaction(async (tx) => {
        rest = await dropRest(tx);
        for (const [number] of [...failed, ...waiting]) tx.delete(outboxTable, number);
        if (failed.length + waiting.length + rest > 0) tx.alongside(alongside ?? []);
      });
    } catch (error) {
      for (const [number, record] of failed) this.#failed.set(number, record);
      this.#release(waiting);
      throw error;
    }
    for (const [, { payload }] of [...failed, ...waiting]) this.#bytes -= payload.length;
    for (const _ of failed) this.#tracker.failedGivenUp(id);
    for (const _ of waiting) this.#tracker.pendingGivenUp(id);
    if (rest > 0) this.#tracker.openGivenUp(id);
    return failed.length + waiting.length + rest;
  }

  #failedOf(id: string): OutboxEntry[] {
    return [...this.#failed].filter(([, { messageId }]) => encodeHex(messageId) === id);
  }

  /** Starts sending stored entries. */
  #release(entries: readonly OutboxEntry[]): void {
    for (const [number, record] of entries) {
      this.#waiting.set(number, record);
      this.#queue.set(number, record);
    }
    this.#pump();
  }

  /** Starts sending over a connection, immediately. */
  attach(connection: TransportConnection): void {
    this.#connection = connection;
    this.retryNow();
  }

  /** Retries immediately whatever waits for another attempt: the connection is back. */
  retryNow(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#retryAfter = RETRY_FIRST_MS;
    // The application can't retry what the messenger sends of its own accord.
    for (const [number, record] of this.#failedOf('')) {
      this.#failed.delete(number);
      this.#waiting.set(number, record);
    }
    this.#retryAll();
  }

  /** Stops sending and waits for what is in flight. */
  async detach(): Promise<void> {
    this.#connection = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    await Promise.all(this.#inFlight.values());
  }

  /** Resolves when nothing is in flight: everything was accepted, or waits for another attempt. */
  async settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight.values());
  }

  /** Failed entries go first again: they are older than those not tried yet. */
  #retryAll(): void {
    this.#queue = new Map([...this.#waiting].filter(([number]) => !this.#inFlight.has(number)));
    this.#pump();
  }

  #pump(): void {
    if (this.#connection === undefined || this.#cancelRetry !== undefined) return;
    for (const [number, record] of this.#queue) {
      if (this.#sending >= PARALLEL) return;
      this.#queue.delete(number);
      this.#inFlight.set(
        number,
        this.#send(this.#connection, number, record).finally(() => {
          this.#inFlight.delete(number);
          if (this.#waiting.has(number)) this.#queue.set(number, record);
          this.#pump();
        }),
      );
    }
  }

  async #send(connection: TransportConnection, number: string, record: OutboxMessage): Promise<void> {
    const messageId = encodeHex(record.messageId);
    this.#sending++;
    try {
      const signer = this.#signerOf(record);
      await connection.send(this.#channelOf(record), copyBytes(record.payload), signer && { signer });
      this.#retryAfter = RETRY_FIRST_MS;
    } catch (error) {
      if (!isPermanent(error)) return this.#scheduleRetry();
      // The messenger's own messages are dropped.
      if (messageId !== '') return this.#keepFailed(number, record, error);
    } finally {
      this.#sending--;
    }
    // The next one is sent while this one is being deleted.
    this.#pump();
    try {
      // Should a power cut undo it, the same bytes are sent once more.
      await this.#context.device.transaction(async (tx) => tx.delete(outboxTable, number), {
        durability: 'relaxed',
      });
    } catch (error) {
      this.#context.events.storageError(error);
      return this.#scheduleRetry();
    }
    this.#waiting.delete(number);
    this.#bytes -= record.payload.length;
    this.#tracker.removePending(messageId);
  }

  /** Keeps an entry that failed for good until the application retries it or gives it up. */
  async #keepFailed(number: string, record: OutboxMessage, error: SottoError): Promise<void> {
    const failed = { ...record, failed: true };
    const [oldest] = this.#failed.size >= MOST_FAILED ? this.#failed : [];
    try {
      await this.#context.device.transaction(async (tx) => {
        tx.put(outboxTable, failed, number);
        if (oldest !== undefined) tx.delete(outboxTable, oldest[0]);
      });
    } catch (problem) {
      this.#context.events.storageError(problem);
      return this.#scheduleRetry();
    }
    this.#waiting.delete(number);
    this.#failed.set(number, failed);
    if (oldest !== undefined && this.#failed.delete(oldest[0])) {
      this.#bytes -= oldest[1].payload.length;
      this.#tracker.failedGivenUp(encodeHex(oldest[1].messageId));
    }
    const id = encodeHex(record.messageId);
    this.#tracker.failed(id, error);
    this.#tracker.removePending(id);
  }

  #scheduleRetry(): void {
    if (this.#cancelRetry !== undefined || this.#connection === undefined) return;
    this.#cancelRetry = this.#context.settings.clock.after(this.#retryAfter, () => {
      this.#cancelRetry = undefined;
      this.#retryAll();
    });
    this.#retryAfter = Math.min(2 * this.#retryAfter, RETRY_MOST_MS);
  }

  /**
   * The pseudonym that signs a sealed message. What was sealed for another transport is signed by our identity where this one can't
   * do otherwise: so it arrives.
   */
  #signerOf({ channel, payload }: OutboxMessage): KeyPair | undefined {
    const { device, settings } = this.#context;
    const isPossible = settings.transport.capabilities.pseudonyms === 'both' && channel.kind === 'negotiated';
    return isPossible ? device.sealingKey(channel.peer, payload) : undefined;
  }

  #channelOf({ channel }: OutboxMessage): Channel {
    switch (channel.kind) {
      case 'public':
        return channel;
      case 'negotiated':
        return {
          kind: 'negotiated',
          secret: this.#context.device.negotiatedSecret(channel.peer) as SharedKey,
        };
      default:
        return { kind: channel.kind, recipient: channel.peer };
    }
  }
}

function isPermanent(error: unknown): error is SottoError {
  return isSottoError(error, 'LIMIT_EXCEEDED') || isSottoError(error, 'TRANSPORT_REFUSED');
}
