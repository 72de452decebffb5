import type { PublicKey } from '@sotto/core';
import type { Device } from './device/device.js';
import type { DeviceOutcome, EncryptedMessage } from './device/encryption.js';
import { messageIdFor } from './device/messages.js';
import { storedNow } from './device/own-clock.js';
import type { Effects } from './effects.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import { OF_OURS, type Outbox, type OutboxChannel } from './outbox.js';
import type { UnitOfWork } from './storage/ledger.js';

/** Encrypts, and puts what comes out on its way; within steps. */
export class Sending {
  readonly #device: Device;
  readonly #outbox: Outbox;
  readonly #listening: Listening;
  readonly #settings: Pick<Settings, 'crypto' | 'clock'>;

  constructor(
    device: Device,
    outbox: Outbox,
    listening: Listening,
    settings: Pick<Settings, 'crypto' | 'clock'>,
  ) {
    this.#device = device;
    this.#outbox = outbox;
    this.#listening = listening;
    this.#settings = settings;
  }

  /** Puts a ProtocolMessage on its way, as a part of the message of that id. */
  post(
    work: UnitOfWork,
    effects: Effects,
    channel: OutboxChannel,
    payload: Uint8Array,
    messageId = messageIdFor(this.#settings.crypto, this.#device.identity, payload),
  ): Uint8Array {
    const createdAt = storedNow(this.#settings.clock);
    effects.outbox.push(this.#outbox.add(work, { payload, messageId, channel, createdAt, failed: false }));
    return messageId;
  }

  /** Encrypts for an identity and puts it on its way; the first message also opens our ear on the negotiated topic. */
  async encryptTo(
    work: UnitOfWork,
    effects: Effects,
    to: PublicKey,
    content: Uint8Array,
    messageId?: Uint8Array,
  ): Promise<EncryptedMessage & { readonly id: Uint8Array }> {
    const encrypted = await this.#device.encryptDirect(work, to, content);
    const $case = encrypted.negotiatedSecret === undefined ? 'partitioned' : 'negotiated';
    const id = this.post(work, effects, { $case, value: to }, encrypted.message, messageId);
    this.#listening.hearNegotiated(work, effects, to);
    return { ...encrypted, id };
  }

  /** Encrypts for our other devices, as a part of the message of that id. */
  async copyToOwnDevices(
    work: UnitOfWork,
    effects: Effects,
    content: Uint8Array,
    messageId: Uint8Array,
  ): Promise<readonly DeviceOutcome[]> {
    if (!(await this.#device.hasPairedDevices(work))) return [];
    return (await this.encryptTo(work, effects, this.#device.identity, content, messageId)).devices;
  }

  /** Tells an identity our bundle, in a message without content. */
  async tellBundle(work: UnitOfWork, effects: Effects, to: PublicKey): Promise<void> {
    const { message } = await this.#device.encryptDh(work, to, new Uint8Array(0));
    this.post(work, effects, { $case: 'partitioned', value: to }, message, OF_OURS);
  }
}
