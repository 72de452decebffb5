import { copyBytes, encodeHex, type PublicKey, type TransportMessage, type Write } from '@sotto/core';
import type { DecryptOutcome } from '../device/decryption.js';
import { storedNow } from '../device/own-clock.js';
import { getPeer } from '../device/peers.js';
import { UnacknowledgedMessages } from '../device/unacknowledged.js';
import { type InboxRecord, Protection } from '../generated/sotto/messenger/v1/storage.js';
import type { MessengerContext } from '../runtime/context.js';
import type { Conversation } from '../runtime/conversation.js';
import type { ReceivedMessage } from '../runtime/events.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';

const PROTECTIONS = {
  dr: Protection.PROTECTION_DR,
  dh: Protection.PROTECTION_DH,
  public: Protection.PROTECTION_PUBLIC,
} as const;

/** What a message holds for the application. */
export type Content = Pick<InboxRecord, 'conversation' | 'payload' | 'ownCopy'> &
  Partial<Pick<InboxRecord, 'groupMembershipHash' | 'late'>>;

/** Delivers messages to the application, and keeps them until it has acknowledged them. */
export class Inbox {
  readonly #context: MessengerContext;
  readonly #unacknowledged = new UnacknowledgedMessages();
  /** What an earlier run left, until it is delivered again. */
  #left: (() => void)[] = [];

  constructor(context: MessengerContext) {
    this.#context = context;
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
   * @throws STORE_UNAVAILABLE when too much waits for the application; LIMIT_EXCEEDED for a request
   */
  async deliver(
    tx: Transaction,
    message: TransportMessage,
    outcome: Extract<DecryptOutcome, { kind: 'message' }>,
    content: Content,
  ): Promise<void> {
    const { clock, limits } = this.#context.settings;
    const record: InboxRecord = {
      messageId: outcome.messageId,
      sender: message.sender,
      senderInstallation: outcome.senderInstallation,
      protection: PROTECTIONS[outcome.protection],
      receivedAt: storedNow(clock),
      sentAt: BigInt(Math.trunc(message.sentAt)),
      groupMembershipHash: new Uint8Array(0),
      late: false,
      ...content,
    };
    const sender = await this.#senderOf(tx, record);
    this.#unacknowledged.add(tx, record, limits.maxInboxBytes, sender.request);
    tx.onCommit('event', () => this.#emit(record, sender));
  }

  /** What the user has decided about a message's sender. */
  async #senderOf(
    tx: ReadTransaction,
    { sender, conversation, ownCopy }: InboxRecord,
  ): Promise<Pick<ReceivedMessage, 'verified' | 'request'>> {
    const { verified } = await getPeer(tx, sender);
    const isDirect = conversation?.kind?.$case === 'peer' && !ownCopy;
    const request = isDirect && !(await this.#context.device.isAccepted(tx, sender as PublicKey));
    return { verified, request };
  }

  #emit(record: InboxRecord, sender: Pick<ReceivedMessage, 'verified' | 'request'>): void {
    const messageId = copyBytes(record.messageId);
    // One after another: the second one of two at the same time has to see that the first one was.
    let turn: Promise<unknown> = Promise.resolve();
    this.#context.events.emit('message', {
      id: encodeHex(messageId),
      sender: copyBytes(record.sender) as PublicKey,
      senderInstallation: record.senderInstallation,
      protection: protectionOf(record.protection),
      ...sender,
      conversation: conversationOf(record),
      ownCopy: record.ownCopy,
      membershipHash:
        record.groupMembershipHash.length > 0 ? encodeHex(record.groupMembershipHash) : undefined,
      late: record.late,
      payload: copyBytes(record.payload),
      receivedAt: Number(record.receivedAt),
      sentAt: Number(record.sentAt),
      acknowledge: ({ alongside = [] } = {}) => {
        const acknowledged = turn.then(() => this.#acknowledge(messageId, alongside));
        turn = acknowledged.catch(() => undefined);
        return acknowledged;
      },
    });
  }

  /** @returns whether it waited until now */
  async #acknowledge(messageId: Uint8Array, alongside: readonly Write[]): Promise<boolean> {
    return this.#context.runtime.transaction(async (tx) => {
      if (!this.#unacknowledged.has(tx, messageId)) return false;
      this.#unacknowledged.acknowledge(tx, messageId);
      tx.alongside(alongside);
      return true;
    });
  }
}

function protectionOf(protection: Protection): ReceivedMessage['protection'] {
  if (protection === Protection.PROTECTION_DR) return 'dr';
  return protection === Protection.PROTECTION_PUBLIC ? 'public' : 'dh';
}

function conversationOf(record: InboxRecord): Conversation {
  const kind = record.conversation?.kind;
  switch (kind?.$case) {
    case 'publicChat':
      return { kind: 'public', name: kind.value };
    case 'group':
      return { kind: 'group', groupId: encodeHex(kind.value) };
    default:
      return { kind: 'direct', peer: copyBytes(kind?.value ?? record.sender) as PublicKey };
  }
}
