import type { Clock, KeyPair, Logger, Store, Transport, Write } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { DeviceOutcome } from '@sotto/device';
import type { MessengerLimits } from './limits.js';

/** What `createMessenger` needs. */
export interface MessengerOptions {
  readonly identity: KeyPair;
  /** Where everything is kept; the messenger closes it. One messenger per store. */
  readonly store: Store;
  readonly transport: Transport;
  /** Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  /** Gets events and public identifiers, never keys or contents. Default: nothing is logged. */
  readonly logger?: Logger;
  /** Name of this device; drawn at random for a new store, and remembered by it. */
  readonly installationId?: string;
  readonly limits?: Partial<MessengerLimits>;
  /** The store is an old copy that was put back, see `DeviceOptions.restored`. Default: whether the store says so. */
  readonly restored?: boolean;
}

/** The options with their defaults. */
export type Settings = Required<
  Omit<MessengerOptions, 'installationId' | 'limits' | 'restored' | 'store'>
> & {
  readonly limits: MessengerLimits;
};

export interface SendOptions {
  /**
   * Writes of the application for the commit that takes the message, to the messenger's store; keys begin with `app/`.
   * So what is kept of a message is there if and only if the message was taken. Called again when the commit has to be
   * done over.
   */
  readonly alongside?: (taken: TakenMessage) => readonly Write[];
}

export interface GiveUpOptions {
  /**
   * Writes of the application for the commit in which the message is given up, to the messenger's store; keys begin with
   * `app/`. Nothing of it is stored when there was nothing to give up.
   */
  readonly alongside?: readonly Write[];
}

/** A message about to be taken. */
export interface TakenMessage {
  /** Names the message in `sent` and `sendFailed`. */
  readonly id: string;
  /** Per device of the recipient; empty for public chats, and for groups, whose members are encrypted for later. */
  readonly devices: readonly DeviceOutcome[];
}

export interface GroupSendOptions extends SendOptions {
  /** Told after each batch how many members were encrypted for. */
  readonly onProgress?: (done: number, total: number) => void;
}
