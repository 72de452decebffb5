import { encodeHex, SottoError } from '@sotto/core';
import {
  createInbox,
  type DecryptOutcome,
  type Device,
  type Inbox,
  type InboxMessage,
  type Protection,
  type Transaction,
} from '@sotto/device';

/** A message as the driver receives it. */
export interface Reading {
  readonly payload: Uint8Array;
  readonly security: Protection;
}

interface Entry {
  /** Its label is the driver's name for it. */
  readonly message: InboxMessage;
  /** It was delivered in this run. */
  readonly delivered: boolean;
}

/**
 * Messages that were delivered and not confirmed. They outlive the process, and are redelivered after each restart:
 * so a crash between reading and confirming loses nothing.
 */
export class Unconfirmed {
  readonly #device: Device;
  readonly #inbox: Inbox<InboxMessage> = createInbox();
  /** By message id in hex. */
  readonly #entries = new Map<string, Entry>();

  private constructor(device: Device) {
    this.#device = device;
  }

  /** Reads what an earlier run left. @throws STATE_CORRUPT, and what the store throws */
  static async load(device: Device): Promise<Unconfirmed> {
    const unconfirmed = new Unconfirmed(device);
    await device.read(async (tx) => {
      const messages = await unconfirmed.#inbox.load(tx, (error) => {
        throw error;
      });
      for (const message of messages) {
        unconfirmed.#entries.set(encodeHex(message.messageId), { message, delivered: false });
      }
    });
    return unconfirmed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Delivers an entry of an earlier run once more, under a new name.
   * @returns `undefined` when there is no entry of this id
   * @throws DUPLICATE_MESSAGE when it was delivered in this run
   */
  async redeliver(messageId: Uint8Array, msgId: string): Promise<Reading | undefined> {
    const id = encodeHex(messageId);
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry.delivered) {
      throw new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', { messageId: id });
    }
    const message = { ...entry.message, label: msgId };
    await this.#device.transaction(async (tx) => this.#inbox.replace(tx, message));
    this.#entries.set(id, { message, delivered: true });
    return { payload: message.payload, security: message.protection };
  }

  /** Adds a message in the transaction that opened it. */
  add(
    tx: Transaction,
    sender: Uint8Array,
    outcome: Extract<DecryptOutcome, { kind: 'message' }>,
    msgId: string,
    now: number,
  ): void {
    const { messageId, senderInstallation, protection, sealed, payload } = outcome;
    const message: InboxMessage = {
      messageId,
      sender,
      senderInstallation,
      protection,
      sealed,
      payload,
      receivedAt: now,
      label: msgId,
    };
    this.#inbox.add(tx, message);
    tx.onCommit('state', () => this.#entries.set(encodeHex(messageId), { message, delivered: true }));
  }

  /**
   * Deletes the entries of a name: the driver is done with them.
   * @throws NOT_FOUND
   */
  async confirm(msgId: string): Promise<void> {
    const confirmed = [...this.#entries].filter(([, { message }]) => message.label === msgId);
    if (confirmed.length === 0) {
      throw new SottoError('NOT_FOUND', 'No message of this msgId waits to be confirmed.', {
        what: 'message',
        id: msgId,
      });
    }
    await this.#device.transaction(async (tx) => {
      for (const [id, { message }] of confirmed) {
        this.#inbox.acknowledge(tx, message.messageId);
        tx.onCommit('state', () => this.#entries.delete(id));
      }
    });
  }
}
