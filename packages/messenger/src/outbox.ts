import {
  type Channel,
  type Clock,
  copyBytes,
  encodeHex,
  isSottoError,
  type PublicKey,
  type SharedKey,
  SottoError,
  type TransportConnection,
  type Write,
} from '@sotto/core';
import type { Device } from './device/device.js';
import type { Events } from './events.js';
import type { OutboxRecord } from './generated/sotto/messenger/v1/storage.js';
import type { MessengerLimits } from './limits.js';
import type { SendOutcomes } from './send-outcomes.js';
import type { UnitOfWork } from './storage/ledger.js';
import { outboxTable } from './storage/tables.js';

/** First wait after a failed send; doubled each time. */
const RETRY_FIRST_MS = 1_000;
/** Longest wait between two tries. */
const RETRY_MOST_MS = 60_000;
/** Sends under way at once. */
const PARALLEL = 8;
/** Entries kept that the transport will never take; the oldest go. */
const MOST_FAILED = 1_000;

/** What messages have for an id that the messenger sends of itself: the application is told nothing of them. */
export const OF_OURS = new Uint8Array(0);

/** Where an entry goes, in words that don't hold the negotiated secret. */
export type OutboxChannel = NonNullable<OutboxRecord['channel']>;

/** A record with its number. */
export type OutboxEntry = readonly [number: string, record: OutboxRecord];

/**
 * Ciphertexts that the transport has not taken yet. An entry is stored in the step that moved the ratchet, offered
 * until the transport takes it, the same bytes each time, and deleted then. A crash in between means that it is
 * sent twice, which the receiver's ratchet notices.
 */
export class Outbox {
  readonly #device: Device;
  readonly #clock: Clock;
  readonly #outcomes: SendOutcomes;
  readonly #events: Events;
  readonly #limits: Pick<MessengerLimits, 'maxOutboxBytes'>;
  readonly #waiting = new Map<string, OutboxRecord>();
  /** Those that the transport will never take, oldest first. */
  readonly #failed = new Map<string, OutboxRecord>();
  /** Bytes of all entries. */
  #bytes = 0;
  /** Those of them that are to be tried now, oldest first. */
  #queue = new Map<string, OutboxRecord>();
  /** Entries that are being sent, or were taken and are being deleted. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** How many of those are being sent. */
  #sending = 0;
  #connection: TransportConnection | undefined;
  #next = 0;
  #retryAfter = RETRY_FIRST_MS;
  #cancelRetry: (() => void) | undefined;

  constructor(
    device: Device,
    clock: Clock,
    outcomes: SendOutcomes,
    events: Events,
    limits: Pick<MessengerLimits, 'maxOutboxBytes'>,
  ) {
    this.#device = device;
    this.#clock = clock;
    this.#outcomes = outcomes;
    this.#events = events;
    this.#limits = limits;
  }

  /** Reads what an earlier run left. Damaged entries are reported and left. */
  async load(work: UnitOfWork): Promise<void> {
    const damaged = (_key: string, error: unknown) => this.#events.storageTrouble(error);
    for await (const { segments, value } of work.list(outboxTable, [], damaged)) {
      const number = segments[0] as string;
      this.#next = Number(number) + 1;
      if (this.#waiting.has(number) || this.#failed.has(number)) continue;
      this.#bytes += value.payload.length;
      const id = encodeHex(value.messageId);
      if (value.failed) {
        this.#failed.set(number, value);
        this.#outcomes.hasFailed(id);
      } else {
        this.#waiting.set(number, value);
        this.#outcomes.waits(id);
      }
    }
  }

  /**
   * Adds an entry within a step. Call {@link stored} when the step is committed, and {@link release} to send it.
   * @throws LIMIT_EXCEEDED when too much waits for the transport
   */
  add(work: UnitOfWork, record: OutboxRecord): OutboxEntry {
    const actual = this.#bytes + record.payload.length;
    if (actual > this.#limits.maxOutboxBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'Too much waits to be sent. Connect, or give messages up.', {
        what: 'bytes in the outbox',
        limit: this.#limits.maxOutboxBytes,
        actual,
      });
    }
    const number = String(this.#next++).padStart(16, '0');
    work.put(outboxTable, record, number);
    return [number, record];
  }

  /** Counts entries whose step was committed: from now on their messages are not sent yet. */
  stored(entries: readonly OutboxEntry[]): void {
    for (const [, { messageId, payload }] of entries) {
      this.#bytes += payload.length;
      this.#outcomes.waits(encodeHex(messageId));
    }
  }

  /** Ids of the messages of which the transport will never take a part. */
  failed(): readonly string[] {
    const ids = new Set(Array.from(this.#failed.values(), ({ messageId }) => encodeHex(messageId)));
    ids.delete('');
    return [...ids];
  }

  /** Offers the failed parts of a message once more. @returns how many there were */
  async retry(id: string): Promise<number> {
    const entries = this.#failedOf(id).map(
      ([number, record]): OutboxEntry => [number, { ...record, failed: false }],
    );
    // From here on they wait, so that nobody else takes them for failed ones.
    for (const [number, record] of entries) {
      this.#failed.delete(number);
      this.#waiting.set(number, record);
      this.#outcomes.waitsAgain(id);
    }
    try {
      await this.#device.ledger.run(async (work) => {
        for (const [number, record] of entries) work.put(outboxTable, record, number);
      });
    } catch (error) {
      for (const [number, record] of this.#idle(entries)) {
        this.#waiting.delete(number);
        this.#queue.delete(number);
        this.#failed.set(number, { ...record, failed: true });
        this.#outcomes.hasFailed(id);
        this.#outcomes.done(id);
      }
      throw error;
    }
    this.release(this.#idle(entries));
    return entries.length;
  }

  /** Those of some entries that still wait, and are not being sent. */
  #idle(entries: readonly OutboxEntry[]): OutboxEntry[] {
    return entries.filter(([number]) => this.#waiting.has(number) && !this.#underWay.has(number));
  }

  /**
   * Deletes the parts of a message that are not being sent just now.
   * @param alongside writes of the application for the same commit, if there are any such parts
   * @param dropRest drops the parts that have yet to be made, and gives how many
   * @returns how many there were
   */
  async giveUp(
    id: string,
    alongside: readonly Write[] = [],
    dropRest: (work: UnitOfWork) => Promise<number> = async () => 0,
  ): Promise<number> {
    const failed = this.#failedOf(id);
    const waiting = this.#idle([...this.#waiting]).filter(([, { messageId }]) => encodeHex(messageId) === id);
    // From here on they aren't offered any more, and nobody else gives them up.
    for (const [number] of failed) this.#failed.delete(number);
    for (const [number] of waiting) {
      this.#waiting.delete(number);
      this.#queue.delete(number);
    }
    let rest = 0;
    try {
      await this.#device.ledger.run(async (work) => {
        rest = await dropRest(work);
        for (const [number] of [...failed, ...waiting]) work.delete(outboxTable, number);
        if (failed.length + waiting.length + rest > 0) work.alongside(alongside);
      });
    } catch (error) {
      for (const [number, record] of failed) this.#failed.set(number, record);
      this.release(waiting);
      throw error;
    }
    for (const [, { payload }] of [...failed, ...waiting]) this.#bytes -= payload.length;
    for (const _ of failed) this.#outcomes.failedGivenUp(id);
    for (const _ of waiting) this.#outcomes.givenUp(id);
    if (rest > 0) this.#outcomes.restGivenUp(id);
    return failed.length + waiting.length + rest;
  }

  #failedOf(id: string): OutboxEntry[] {
    return [...this.#failed].filter(([, { messageId }]) => encodeHex(messageId) === id);
  }

  /** Begins to send entries that are stored. */
  release(entries: readonly OutboxEntry[]): void {
    for (const [number, record] of entries) {
      this.#waiting.set(number, record);
      this.#queue.set(number, record);
    }
    this.#pump();
  }

  /** Begins to send over a connection, at once. */
  attach(connection: TransportConnection): void {
    this.#connection = connection;
    this.retryNow();
  }

  /** Tries again now what waits for another try: the connection is back. */
  retryNow(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#retryAfter = RETRY_FIRST_MS;
    // Nobody else tries again what is of ours.
    for (const [number, record] of this.#failedOf('')) {
      this.#failed.delete(number);
      this.#waiting.set(number, record);
    }
    this.#tryAll();
  }

  /** Stops to send and waits for what is under way. */
  async detach(): Promise<void> {
    this.#connection = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    await Promise.all(this.#underWay.values());
  }

  /** Resolves when nothing is under way: all was taken, or waits for another try. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  /** What failed goes first again: it is older than what has not been tried. */
  #tryAll(): void {
    this.#queue = new Map([...this.#waiting].filter(([number]) => !this.#underWay.has(number)));
    this.#pump();
  }

  #pump(): void {
    if (this.#connection === undefined || this.#cancelRetry !== undefined) return;
    for (const [number, record] of this.#queue) {
      if (this.#sending >= PARALLEL) return;
      this.#queue.delete(number);
      this.#underWay.set(
        number,
        this.#send(this.#connection, number, record).finally(() => {
          this.#underWay.delete(number);
          if (this.#waiting.has(number)) this.#queue.set(number, record);
          this.#pump();
        }),
      );
    }
  }

  async #send(connection: TransportConnection, number: string, record: OutboxRecord): Promise<void> {
    const messageId = encodeHex(record.messageId);
    this.#sending++;
    try {
      await connection.send(this.#channelOf(record), copyBytes(record.payload));
      this.#retryAfter = RETRY_FIRST_MS;
    } catch (error) {
      if (!isPermanent(error)) return this.#tryLater();
      // What nobody wrote is dropped.
      if (messageId !== '') return this.#keepFailed(number, record, error);
    } finally {
      this.#sending--;
    }
    // The next one goes out while this one is being deleted.
    this.#pump();
    try {
      await this.#device.ledger.run(async (work) => work.delete(outboxTable, number));
    } catch (error) {
      this.#events.storageTrouble(error);
      return this.#tryLater();
    }
    this.#waiting.delete(number);
    this.#bytes -= record.payload.length;
    this.#outcomes.done(messageId);
  }

  /** Keeps what the transport will never take, until the application tries it again or gives it up. */
  async #keepFailed(number: string, record: OutboxRecord, error: SottoError): Promise<void> {
    const failed = { ...record, failed: true };
    const [oldest] = this.#failed.size >= MOST_FAILED ? this.#failed : [];
    try {
      await this.#device.ledger.run(async (work) => {
        work.put(outboxTable, failed, number);
        if (oldest !== undefined) work.delete(outboxTable, oldest[0]);
      });
    } catch (problem) {
      this.#events.storageTrouble(problem);
      return this.#tryLater();
    }
    this.#waiting.delete(number);
    this.#failed.set(number, failed);
    if (oldest !== undefined && this.#failed.delete(oldest[0])) {
      this.#bytes -= oldest[1].payload.length;
      this.#outcomes.failedGivenUp(encodeHex(oldest[1].messageId));
    }
    const id = encodeHex(record.messageId);
    this.#outcomes.failed(id, error);
    this.#outcomes.done(id);
  }

  #tryLater(): void {
    if (this.#cancelRetry !== undefined || this.#connection === undefined) return;
    this.#cancelRetry = this.#clock.after(this.#retryAfter, () => {
      this.#cancelRetry = undefined;
      this.#tryAll();
    });
    this.#retryAfter = Math.min(2 * this.#retryAfter, RETRY_MOST_MS);
  }

  #channelOf({ channel }: OutboxRecord): Channel {
    switch (channel?.$case) {
      case 'publicName':
        return { kind: 'public', name: channel.value };
      case 'partitioned':
        return { kind: 'partitioned', recipient: channel.value as PublicKey };
      case 'discovery':
        return { kind: 'discovery', recipient: channel.value as PublicKey };
      case 'negotiated':
        return {
          kind: 'negotiated',
          secret: this.#device.negotiatedSecret(channel.value as PublicKey) as SharedKey,
        };
      default:
        throw new SottoError('TRANSPORT_REFUSED', 'The entry names no channel.', { reason: 'no channel' });
    }
  }
}

function isPermanent(error: unknown): error is SottoError {
  return isSottoError(error, 'LIMIT_EXCEEDED') || isSottoError(error, 'TRANSPORT_REFUSED');
}
