import {
  type Clock,
  copyBytes,
  encodeHex,
  type PublicKey,
  type TransportMessage,
  type Write,
} from '@sotto/core';
import type { DecryptOutcome } from './device/decryption.js';
import type { Device } from './device/device.js';
import { storedNow } from './device/own-clock.js';
import { getPeer } from './device/peers.js';
import type { Effects } from './effects.js';
import type { Conversation, Events, ReceivedMessage } from './events.js';
import { type InboxRecord, Protection } from './generated/sotto/messenger/v1/storage.js';
import { Inbox } from './inbox.js';
import type { MessengerLimits } from './limits.js';
import type { Steps } from './steps.js';
import type { UnitOfWork } from './storage/ledger.js';

const PROTECTIONS = {
  dr: Protection.PROTECTION_DR,
  dh: Protection.PROTECTION_DH,
  public: Protection.PROTECTION_PUBLIC,
} as const;

/** What stands in a message for the application. */
export type Content = Pick<InboxRecord, 'conversation' | 'payload' | 'ownCopy'> &
  Partial<Pick<InboxRecord, 'groupMembershipHash' | 'late'>>;

/** Gives messages to the application, and keeps them in the inbox until it has acknowledged them. */
export class Delivery {
  readonly #inbox = new Inbox();
  readonly #events: Events;
  readonly #steps: Steps;
  readonly #device: Device;
  readonly #clock: Clock;
  readonly #limits: Pick<MessengerLimits, 'maxInboxBytes'>;
  #unread: (() => void)[] = [];

  constructor(
    device: Device,
    events: Events,
    steps: Steps,
    clock: Clock,
    limits: Pick<MessengerLimits, 'maxInboxBytes'>,
  ) {
    this.#device = device;
    this.#events = events;
    this.#steps = steps;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Reads what an earlier run left. */
  async load(work: UnitOfWork): Promise<void> {
    for (const record of await this.#inbox.load(work, (error) => this.#events.storageTrouble(error))) {
      const sender = await this.#senderOf(work, record);
      this.#unread.push(() => this.#give(record, sender));
    }
  }

  /** Gives what an earlier run left, once. */
  giveUnread(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const give of unread) give();
  }

  /** Keeps a message with the step that opened it, and gives it when that is stored. */
  async deliver(
    work: UnitOfWork,
    effects: Effects,
    message: TransportMessage,
    outcome: Extract<DecryptOutcome, { kind: 'message' }>,
    content: Content,
  ): Promise<void> {
    const record: InboxRecord = {
      messageId: outcome.messageId,
      sender: message.sender,
      senderInstallation: outcome.senderInstallation,
      protection: PROTECTIONS[outcome.protection],
      receivedAt: storedNow(this.#clock),
      sentAt: BigInt(Math.trunc(message.sentAt)),
      groupMembershipHash: new Uint8Array(0),
      late: false,
      ...content,
    };
    const sender = await this.#senderOf(work, record);
    const number = this.#inbox.add(work, record, this.#limits.maxInboxBytes, sender.request);
    effects.after.push(() => {
      this.#inbox.added(record, number);
      this.#give(record, sender);
    });
  }

  /** What the user has decided about a message's sender. */
  async #senderOf(
    work: UnitOfWork,
    { sender, conversation, ownCopy }: InboxRecord,
  ): Promise<Pick<ReceivedMessage, 'verified' | 'request'>> {
    const { verified } = await getPeer(work, sender);
    const isDirect = conversation?.kind?.$case === 'peer' && !ownCopy;
    const request = isDirect && !(await this.#device.isAccepted(work, sender as PublicKey));
    return { verified, request };
  }

  #give(record: InboxRecord, sender: Pick<ReceivedMessage, 'verified' | 'request'>): void {
    const messageId = copyBytes(record.messageId);
    // One after another: the second one of two at the same time has to see that the first one was.
    let turn: Promise<unknown> = Promise.resolve();
    this.#events.emit('message', {
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
    return this.#steps.run(async (work, effects) => {
      if (!this.#inbox.has(work, messageId)) return false;
      this.#inbox.acknowledge(work, messageId);
      work.alongside(alongside);
      effects.after.push(() => this.#inbox.acknowledged(messageId));
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
