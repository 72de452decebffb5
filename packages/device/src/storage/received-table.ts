import { Protection as ProtectionNumber, ReceivedRecord } from '../generated/sotto/device/v1/storage.js';
import type { Protection } from './records.js';
import { type Table, table } from './table.js';

const PROTECTION_NUMBERS = {
  pq: ProtectionNumber.PROTECTION_PQ,
  dr: ProtectionNumber.PROTECTION_DR,
  dh: ProtectionNumber.PROTECTION_DH,
  public: ProtectionNumber.PROTECTION_PUBLIC,
} as const;

/** A message in an inbox, see `createInbox`. */
export interface InboxMessage {
  /** 32 bytes. */
  readonly messageId: Uint8Array;
  /** 33 bytes, compressed SEC1. */
  readonly sender: Uint8Array;
  /** The sender's device; may be empty for a message outside of sessions. */
  readonly senderInstallation: string;
  /** How it travelled. */
  readonly protection: Protection;
  /** Whether it was sealed: nothing outside of its session named its sender. */
  readonly sealed: boolean;
  /** The payload of the application. */
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch, by our clock. */
  readonly receivedAt: number;
  /** What the application calls it. */
  readonly label: string;
}

/** `received/<number>`: messages that the application has not acknowledged. */
export const receivedTable: Table<InboxMessage> = table('received', {
  encode: (message) =>
    ReceivedRecord.encode({
      ...message,
      protection: PROTECTION_NUMBERS[message.protection],
      receivedAt: BigInt(Math.trunc(message.receivedAt)),
    }).finish(),
  decode(bytes) {
    const { protection: number, receivedAt, ...rest } = ReceivedRecord.decode(bytes);
    const protection = (['pq', 'dr', 'dh', 'public'] as const).find(
      (name) => PROTECTION_NUMBERS[name] === number,
    );
    if (protection === undefined) throw new Error('it lacks the protection of the message');
    return { ...rest, protection, receivedAt: Number(receivedAt) };
  },
});
