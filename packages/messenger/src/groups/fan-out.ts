import { compareBytes, encodeHex, isDamage, isSottoError, type PublicKey } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import type { DeliveryTracker } from '../outbound/delivery-tracker.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import type { SendOptions } from '../runtime/options.js';
import { encodePayload } from '../runtime/payload.js';
import type { GroupSendResult, MemberDelivery, MemberOutcome } from '../runtime/results.js';
import type { FanoutRecord } from '../storage/records.js';
import { fanoutTable } from '../storage/tables.js';
import type { BatchDone } from './batch-done.js';
import type { ChainFanOut } from './chain-fan-out.js';
import type { MemberSync } from './member-sync.js';
import { nextBatch } from './next-batch.js';
import type { GroupRecords, KnownGroup } from './records.js';

/** Wait after a storage error before the queue continues, in milliseconds. */
const RETRY_MS = 5_000;

const NOTHING_LEFT: BatchDone = { outcomes: [], next: undefined };

/** A message to members of a group, about to be queued. */
export type GroupMessage = Omit<FanoutRecord, 'id'>;

/** What decides on the contents for a member; loaded when it is needed. */
export interface FanOutParts {
  readonly records: GroupRecords;
  readonly memberSync: MemberSync;
  readonly chainFanOut: ChainFanOut;
}

/** What is held of a message in the queue. */
interface Waiting {
  readonly number: string;
  readonly id: string;
  /** Members that it has yet to be encrypted for. */
  readonly left: number;
}

/** A message in the queue. */
export interface QueuedMessage {
  /** Names the message, 32 hex digits. */
  readonly id: string;
  /** Resolves when the message was encrypted for all members. Call it after the commit. */
  result(): Promise<GroupSendResult>;
}

/**
 * The queue of messages to groups. They are encrypted for some members in each commit, so that nothing else waits long;
 * after a crash, the next start continues.
 */
export class FanOut {
  readonly #context: MessengerContext;
  readonly #load: () => Promise<FanOutParts>;
  readonly #sender: Sender;
  readonly #tracker: DeliveryTracker;
  #next = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    context: MessengerContext,
    load: () => Promise<FanOutParts>,
    sender: Sender,
    tracker: DeliveryTracker,
  ) {
    this.#context = context;
    this.#load = load;
    this.#sender = sender;
    this.#tracker = tracker;
  }

  /** Reads what an earlier run left; {@link resume} continues with it. */
  async load(tx: ReadTransaction): Promise<void> {
    for (const { number, message } of await this.#queued(tx)) {
      this.#next = Math.max(this.#next, Number(number) + 1);
      this.#tracker.open(encodeHex(message.id));
    }
  }

  /** Puts a message into the queue; after the commit it is encrypted, one message after another. */
  enqueue(
    tx: Transaction,
    message: GroupMessage,
    { alongside, onProgress }: SendOptions = {},
  ): QueuedMessage {
    const bytes = this.#context.settings.crypto.randomBytes(16);
    const id = encodeHex(bytes);
    const number = String(this.#next++).padStart(16, '0');
    tx.put(fanoutTable, { id: bytes, ...message }, number);
    const conversation = { kind: 'group', groupId: encodeHex(message.groupId) } as const;
    tx.alongside(alongside?.({ id, conversation, devices: [], sealedSender: false }) ?? []);
    // Hooks may still run when the transaction is stored: subscriptions come before.
    const result = new Promise<GroupSendResult>((resolve) => {
      tx.onCommit('send', () => resolve(this.#process({ number, id }, onProgress)));
    });
    tx.onCommit('state', () => {
      this.#tracker.open(id);
      this.#context.runtime.inBackground(result);
    });
    return { id, result: () => result };
  }

  /** Processes the whole queue, in the background. */
  resume(): void {
    this.#context.runtime.inBackground(this.#process());
  }

  /** Ids of the messages that have yet to be encrypted for a member. */
  async queuedIds(tx: ReadTransaction): Promise<readonly string[]> {
    return (await this.#queued(tx)).map(({ message }) => encodeHex(message.id));
  }

  /**
   * Drops the rest of a message to a group; changes of the group are sent nevertheless.
   * @returns how many members don't receive it; at least one when it was to be sent once to all
   */
  async drop(tx: Transaction, id: string): Promise<number> {
    let members = 0;
    for (const { number, message } of await this.#queued(tx)) {
      if (encodeHex(message.id) !== id || message.payload === undefined) continue;
      tx.delete(fanoutTable, number);
      members += message.remaining.length || 1;
    }
    return members;
  }

  /** Encrypts one message for its members, or all messages in the queue, after those being encrypted already. */
  #process(
    only?: { readonly number: string; readonly id: string },
    onProgress?: SendOptions['onProgress'],
  ): Promise<GroupSendResult> {
    const run = this.#tail.then(() => this.#run(only, onProgress));
    // Without the outcome, whose size grows with the group.
    this.#tail = run.then(() => {}).catch(() => {});
    return run;
  }

  async #run(
    only: { readonly number: string; readonly id: string } | undefined,
    onProgress: SendOptions['onProgress'],
  ): Promise<GroupSendResult> {
    const { runtime } = this.#context;
    const members: MemberOutcome[] = [];
    let damage: unknown;
    try {
      for (const waiting of await runtime.read((tx) => this.#overview(tx, only?.number))) {
        try {
          for await (const outcomes of this.#encrypted(waiting, onProgress)) members.push(...outcomes);
        } catch (error) {
          // A group whose record is damaged doesn't hold up others.
          if (!isDamage(error)) throw error;
          damage ??= error;
        }
      }
      if (damage !== undefined) throw damage;
    } catch (error) {
      runtime.schedule('fan-out', RETRY_MS, () => this.resume());
      throw error;
    }
    return { kind: 'group', id: only?.id ?? '', members };
  }

  /** Encrypts a message, some members in each commit, and gives what came of these. */
  async *#encrypted(
    { number, id, left }: Waiting,
    onProgress: SendOptions['onProgress'],
  ): AsyncGenerator<readonly MemberOutcome[]> {
    let total = left;
    for (let more = true; more; ) {
      const done = await this.#context.runtime.transaction((tx) => this.#encryptBatch(tx, number));
      total = done.total ?? total;
      more = done.next !== undefined;
      yield done.outcomes;
      onProgress?.(total - (done.next?.remaining.length ?? 0), total);
    }
    this.#tracker.close(id);
  }

  /** Of the messages in the queue, or one of them, what doesn't grow with the group: it is held until they are sent. */
  async #overview(tx: ReadTransaction, only?: string): Promise<readonly Waiting[]> {
    const queued = await this.#queued(tx, only);
    return queued.map(({ number, message }) => ({
      number,
      id: encodeHex(message.id),
      left: message.remaining.length,
    }));
  }

  /** The messages in the queue, oldest first, or one of them. */
  async #queued(
    tx: ReadTransaction,
    only?: string,
  ): Promise<readonly { readonly number: string; readonly message: FanoutRecord }[]> {
    if (only !== undefined) {
      const message = await tx.get(fanoutTable, only);
      return message === undefined ? [] : [{ number: only, message }];
    }
    const found: { number: string; message: FanoutRecord }[] = [];
    for await (const { segments, value } of tx.list(fanoutTable, [], () => {})) {
      found.push({ number: segments[0] as string, message: value });
    }
    return found;
  }

  /** Encrypts a message for some of its members; the last ones remove it from the queue. */
  async #encryptBatch(tx: Transaction, number: string): Promise<BatchDone> {
    const message = await tx.get(fanoutTable, number);
    if (message === undefined) return NOTHING_LEFT;
    const parts = await this.#load();
    const group = await parts.records.find(tx, encodeHex(message.groupId));
    let done = NOTHING_LEFT;
    // An answer that is left out is asked for again.
    if (group !== undefined && (!message.automatic || this.#sender.hasRoomForAnswers)) {
      done = message.byChain
        ? await parts.chainFanOut.step(tx, message, group)
        : await this.#step(tx, message, group, parts);
    }
    if (done.next === undefined) tx.delete(fanoutTable, number);
    else tx.put(fanoutTable, done.next, number);
    return done;
  }

  /** Does a step of a message that is encrypted for each member. */
  async #step(
    tx: Transaction,
    message: FanoutRecord,
    group: KnownGroup,
    parts: FanOutParts,
  ): Promise<BatchDone> {
    const { device, settings } = this.#context;
    const batch = nextBatch(message.remaining, settings.limits.fanoutBatch);
    const remaining = message.remaining.slice(batch.length);
    const outcomes: MemberOutcome[] = [];
    for (const member of batch) {
      const own = compareBytes(member, device.identity) === 0;
      if (own && !(await device.hasPairedDevices(tx))) continue;
      try {
        const result = await this.#encryptFor(tx, message, group, member, parts);
        if (result !== undefined) outcomes.push({ member, result });
      } catch (error) {
        if (!isSottoError(error, 'NO_DEVICE_REACHED')) throw error;
        outcomes.push({ member, result: { failed: error } });
      }
    }
    return { outcomes, next: remaining.length > 0 ? { ...message, remaining } : undefined };
  }

  /** @returns what was encrypted; `undefined` when there was nothing to send */
  async #encryptFor(
    tx: Transaction,
    message: FanoutRecord,
    group: KnownGroup,
    member: PublicKey,
    parts: FanOutParts,
  ): Promise<MemberDelivery | undefined> {
    let delivery = await parts.chainFanOut.giveAlong(tx, message, group, member);
    if (delivery !== undefined) return delivery;
    for (const value of await parts.memberSync.partsFor(tx, message, group, member)) {
      const content = encodePayload({ kind: 'group', group: value });
      const { devices, sealedSender } = await this.#sender.encryptTo(tx, member, content, message.id);
      delivery = { devices, sealedSender };
    }
    return delivery;
  }
}
