import type { PublicKey } from '@sotto/core';
import type { Protection } from '@sotto/device';

/** The origin of a message of a group. */
export interface GroupSender {
  readonly sender: PublicKey;
  readonly senderInstallation: string;
  readonly protection: Protection;
  /** Milliseconds since the epoch, as the sender or transport claims. */
  readonly sentAt: number;
}
