import { copyBytes, encodeHex, type PublicKey, type Write } from '@sotto/core';
import type { DecryptOutcome, Inbox as DeviceInbox, ReadTransaction, Transaction } from '@sotto/device';
import { createInboxOf } from '@sotto/device/internal';
import type { MessengerContext } from '../runtime/context.js';
import type { Conversation } from '../runtime/conversation.js';
import type { ReceivedMessage } from '../runtime/events.js';
import type { InboxMessage } from '../storage/records.js';
import { inboxTable } from '../storage/tables.js';
import type { IdentifiedMessage } from './sealed-senders.js';

/** The part of a message that is for the application. */
export type Content = Pick<InboxMessage, 'conversation' | 'payload' | 'ownCopy'> &
  Partial<Pick<InboxMessage, 'membershipHash' | 'late'>> & {
    /** Of a group to which strangers have added us. Default false. */
    readonly uninvited?: boolean | undefined;
  };

/** Delivers messages to the application, and keeps them until it has acknowledged them. */
export class Inbox {
  readonly #context: MessengerContext;
  readonly #unacknowledged: DeviceInbox<InboxMessage>;
  /** What an earlier run left, until it is delivered again. */
  #left: (() => void)[] = [];

  constructor(context: MessengerContext) {
    this.#context = context;
    this.#unacknowledged = createInboxOf(inboxTable, context.settings.limits.maxInboxBytes);
  }

  /** Reads what an earlier run left. */
  async load(tx: ReadTransaction): Promise<void> {
    const { events } = this.#context;
    this.#left = [];
    for (const record of await this.#unacknowledged.load(tx, (error) => events.storageError(error))) {
      const sender = await this.#senderOf(tx, record);
      this.#left.push(() => this.#emit(record, sender));
    }
  }

  /** Delivers again what an earlier run left, once. */
  redeliver(): void {
    const left = this.#left;
    this.#left = [];
    for (const emit of left) emit();
  }

  /**
   * Stores a message with the transaction that opened it, and emits it after the commit.
   * @throws STORE_UNAVAILABLE when the inbox is full; LIMIT_EXCEEDED for a request, or a stranger's in such a group
   */
  async deliver(
    tx: Transaction,
    message: IdentifiedMessage,
    outcome: Pick<
      Extract<DecryptOutcome, { kind: 'message' }>,
      'messageId' | 'senderInstallation' | 'protection'
    >,
    { uninvited = false, ...content }: Content,
  ): Promise<void> {
    const { device, settings } = this.#context;
    const { clock } = settings;
    const record: InboxMessage = {
      messageId: outcome.messageId,
      sender: message.sender,
      senderInstallation: outcome.senderInstallation,
      protection: outcome.protection,
      sealedSender: message.sealedSender ?? false,
      receivedAt: Math.trunc(clock.now()),
      sentAt: Math.trunc(message.sentAt),
      membershipHash: undefined,
      late: false,
      ...content,
    };
    const sender = await this.#senderOf(tx, record);
    const isStrangers = sender.request || (uninvited && !(await device.isAccepted(tx, message.sender)));
    this.#unacknowledged.add(tx, record, isStrangers);
    tx.onCommit('event', () => this.#emit(record, sender));
  }

  /** What the user has decided about a message's sender. */
  async #senderOf(
    tx: ReadTransaction,
    { sender, conversation, ownCopy }: InboxMessage,
  ): Promise<Pick<ReceivedMessage, 'verified' | 'request'>> {
    const { device } = this.#context;
    const verified = await device.isVerified(tx, sender);
    const isDirect = conversation.kind === 'direct' && !ownCopy;
    const request = isDirect && !(await device.isAccepted(tx, sender));
    return { verified, request };
  }

  #emit(record: InboxMessage, sender: Pick<ReceivedMessage, 'verified' | 'request'>): void {
    const messageId = copyBytes(record.messageId);
    // One after another: of two simultaneous calls, the second has to see the effect of the first.
    let turn: Promise<unknown> = Promise.resolve();
    this.#context.events.emit('message', {
      id: encodeHex(messageId),
      sender: copyBytes(record.sender) as PublicKey,
      senderInstallation: record.senderInstallation,
      protection: record.protection,
      sealedSender: record.sealedSender,
      ...sender,
      conversation: copyOf(record.conversation),
      ownCopy: record.ownCopy,
      membershipHash: record.membershipHash,
      late: record.late,
      payload: copyBytes(record.payload),
      receivedAt: record.receivedAt,
      sentAt: record.sentAt,
      acknowledge: ({ alongside = [] } = {}) => {
        const acknowledged = turn.then(() => this.#acknowledge(messageId, alongside));
        turn = acknowledged.catch(() => undefined);
        return acknowledged;
      },
    });
  }

  /** @returns whether this call acknowledged it */
  async #acknowledge(messageId: Uint8Array, alongside: readonly Write[]): Promise<boolean> {
    return this.#context.runtime.transaction(async (tx) => {
      if (!this.#unacknowledged.has(tx, messageId)) return false;
      this.#unacknowledged.acknowledge(tx, messageId);
      tx.alongside(alongside);
      return true;
    });
  }
}

/** A copy, which the application owns. */
function copyOf(conversation: Conversation): Conversation {
  if (conversation.kind !== 'direct') return conversation;
  return { kind: 'direct', peer: copyBytes(conversation.peer) as PublicKey };
}
