import type { PublicKey } from '@sotto/core';
import type { PeerDevice, SessionSummary } from '../storage/records.js';
import type { Transaction } from '../storage/transaction.js';
import type { Session } from './session.js';

/** Where a message comes from. */
export interface Remote {
  readonly identity: PublicKey;
  readonly installationId: string;
}

/** The result of opening a message in a session. */
export interface OpenedMessage {
  readonly plaintext: Uint8Array;
  /** Change in the number of skipped keys. */
  readonly skipped: number;
}

/** A message of one suite that is being read: the same steps for each, in `openInSession`. */
export interface IncomingMessage {
  readonly protection: 'dr' | 'pq';
  /** Sessions that it may belong to, the likeliest first. */
  candidates(device: PeerDevice): readonly SessionSummary[];
  /**
   * Makes one step of a session's ratchet and stores it.
   * @returns `undefined` when the message shows that it isn't of this session
   * @throws RATCHET_DUPLICATE when it was decrypted in this session before; what the ratchet throws
   */
  open(tx: Transaction, session: Session): Promise<OpenedMessage | undefined>;
  /**
   * Whether it repeats one of a chain that was read completely, for a message that no candidate opened.
   * @throws RATCHET_DUPLICATE
   */
  refuseRepeated?(tx: Transaction, candidates: readonly SessionSummary[]): Promise<void>;
  /**
   * The session that it begins, not stored yet. Proves nothing about the sender until the message opens in it.
   * @returns `undefined` when it begins none, or was made with a prekey that isn't ours any more
   */
  accept(tx: Transaction, device: PeerDevice, epoch: number): Promise<Session | undefined>;
}
