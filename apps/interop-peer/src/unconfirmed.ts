import { decodeUtf8, encodeHex, encodeUtf8, SottoError } from '@sotto/core';
import {
  type DecryptOutcome,
  type Device,
  type Protection,
  type Transaction,
  UnacknowledgedMessages,
} from '@sotto/messenger';

type InboxRecord = Parameters<UnacknowledgedMessages['add']>[1];

/** What a message says to who drives us. */
export interface Reading {
  readonly payload: Uint8Array;
  readonly security: Protection;
}

interface Entry {
  readonly record: InboxRecord;
  readonly msgId: string;
  /** It was delivered in this run. */
  readonly delivered: boolean;
}

/** The driver's name for a message, under the id of the message. */
const msgIdTable = {
  name: 'interop',
  cached: false,
  encode: encodeUtf8,
  decode: decodeUtf8,
};
const FOLDER = 'message';

/** The numbers that the records of the inbox have for it. */
const NUMBERS: Readonly<Record<Protection, InboxRecord['protection']>> = { dr: 1, dh: 2, public: 3 };

/**
 * Messages that were delivered and not confirmed. They outlive the process, and are redelivered after each restart:
 * so a crash between reading and confirming loses nothing.
 */
export class Unconfirmed {
  readonly #device: Device;
  readonly #unacknowledged = new UnacknowledgedMessages();
  /** By message id in hex. */
  readonly #entries = new Map<string, Entry>();

  private constructor(device: Device) {
    this.#device = device;
  }

  /** Reads what an earlier run left. @throws STATE_CORRUPT, and what the store throws */
  static async load(device: Device): Promise<Unconfirmed> {
    const unconfirmed = new Unconfirmed(device);
    await device.read(async (tx) => {
      const records = await unconfirmed.#unacknowledged.load(tx, (error) => {
        throw error;
      });
      for (const record of records) {
        const id = encodeHex(record.messageId);
        const msgId = (await tx.get(msgIdTable, FOLDER, id)) ?? '';
        unconfirmed.#entries.set(id, { record, msgId, delivered: false });
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
    const { record, delivered } = entry;
    if (delivered) {
      throw new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', { messageId: id });
    }
    await this.#device.transaction(async (tx) => tx.put(msgIdTable, msgId, FOLDER, id));
    this.#entries.set(id, { record, msgId, delivered: true });
    return { payload: record.payload, security: securityOf(record) };
  }

  /** Adds a message in the transaction that opened it. */
  add(
    tx: Transaction,
    sender: Uint8Array,
    outcome: Extract<DecryptOutcome, { kind: 'message' }>,
    msgId: string,
    now: number,
  ): void {
    const { messageId, senderInstallation, protection, payload } = outcome;
    const record: InboxRecord = {
      messageId,
      sender,
      senderInstallation,
      protection: NUMBERS[protection],
      payload,
      receivedAt: BigInt(now),
      sentAt: BigInt(now),
      conversation: { kind: { $case: 'peer', value: sender } },
      ownCopy: false,
      groupMembershipHash: new Uint8Array(0),
      late: false,
    };
    const id = encodeHex(messageId);
    this.#unacknowledged.add(tx, record);
    tx.put(msgIdTable, msgId, FOLDER, id);
    tx.onCommit('state', () => this.#entries.set(id, { record, msgId, delivered: true }));
  }

  /**
   * Deletes the entries of a name: the driver is done with them.
   * @throws NOT_FOUND
   */
  async confirm(msgId: string): Promise<void> {
    const confirmed = [...this.#entries].filter(([, entry]) => entry.msgId === msgId);
    if (confirmed.length === 0) {
      throw new SottoError('NOT_FOUND', 'No message of this msgId waits to be confirmed.', {
        what: 'message',
        id: msgId,
      });
    }
    await this.#device.transaction(async (tx) => {
      for (const [id, { record }] of confirmed) {
        this.#unacknowledged.acknowledge(tx, record.messageId);
        tx.delete(msgIdTable, FOLDER, id);
        tx.onCommit('state', () => this.#entries.delete(id));
      }
    });
  }
}

function securityOf({ protection }: InboxRecord): Protection {
  const security = (['dr', 'dh', 'public'] as const).find((name) => NUMBERS[name] === protection);
  if (security === undefined) {
    throw new SottoError('STATE_CORRUPT', 'A stored message does not say how it was protected.', {
      what: 'inbox',
      reason: 'no protection',
    });
  }
  return security;
}
