import { compareBytes, copyBytes, type PublicKey } from '@sotto/core';
import type { DeviceOutcome, EncryptedMessage, Transaction } from '@sotto/device';
import { publicMessageIdFor } from '@sotto/device/internal';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { MessengerContext } from '../runtime/context.js';
import { encodePayload } from '../runtime/payload.js';
import { NO_MESSAGE_ID, type Outbox } from './outbox.js';

/** A message that was encrypted and put into the outbox. */
export interface Posted extends Pick<EncryptedMessage, 'devices'> {
  /** 32 bytes. */
  readonly id: Uint8Array;
  /** Whether it is sealed. */
  readonly sealedSender: boolean;
}

/** Encrypts for identities and puts the result into the outbox. */
export class Sender {
  readonly #context: MessengerContext;
  readonly #outbox: Outbox;
  readonly #subscriptions: Subscriptions;

  constructor(context: MessengerContext, outbox: Outbox, subscriptions: Subscriptions) {
    this.#context = context;
    this.#outbox = outbox;
    this.#subscriptions = subscriptions;
  }

  /** See `Outbox`. */
  get hasRoomForAnswers(): boolean {
    return this.#outbox.hasRoomForAnswers;
  }

  /**
   * Sends a 1:1 message, with copies to our own other devices.
   * @param ownCopy see `SendOptions`
   * @throws NO_DEVICE_REACHED, LIMIT_EXCEEDED
   */
  async sendDirect(
    tx: Transaction,
    to: PublicKey,
    payload: Uint8Array,
    ownCopy?: Uint8Array | false,
  ): Promise<Posted & { readonly ownDevices: readonly DeviceOutcome[] }> {
    const { device } = this.#context;
    const posted = await this.encryptTo(tx, to, encodePayload({ kind: 'application', payload }));
    const isOwn = compareBytes(to, device.identity) === 0;
    if (isOwn || ownCopy === false || !(await device.hasPairedDevices(tx)))
      return { ...posted, ownDevices: [] };
    const copy = encodePayload(
      ownCopy === undefined
        ? { kind: 'ownCopy', to, payload }
        : { kind: 'application', payload: copyBytes(ownCopy, 'own copy') },
    );
    const { devices } = await this.encryptTo(tx, device.identity, copy, posted.id);
    return { ...posted, ownDevices: devices };
  }

  /**
   * Sends to a public chat.
   * @returns the id of the message, 32 bytes
   * @throws LIMIT_EXCEEDED
   */
  async sendPublic(tx: Transaction, chat: string, payload: Uint8Array): Promise<Uint8Array> {
    const { device, settings } = this.#context;
    const content = encodePayload({ kind: 'application', payload });
    const message = await device.encodePublic(tx, content);
    await device.rememberSent(tx, message, chat);
    const id = publicMessageIdFor(settings.crypto, device.identity, message, chat);
    return this.#outbox.post(tx, { kind: 'public', name: chat }, message, id);
  }

  /**
   * Encrypts for an identity's devices and queues the result; the first message also subscribes to the negotiated topic.
   * @param messageId id of the message that this is a part of. Default: its own
   * @throws NO_DEVICE_REACHED, LIMIT_EXCEEDED
   */
  async encryptTo(
    tx: Transaction,
    to: PublicKey,
    content: Uint8Array,
    messageId?: Uint8Array,
  ): Promise<Posted> {
    const { device, settings } = this.#context;
    const { message, devices, negotiatedSecret, sealed } = await device.encryptDirect(tx, to, content, {
      mayBeSealed: settings.sealsMessages,
    });
    const kind = negotiatedSecret === undefined ? 'partitioned' : 'negotiated';
    const id = this.#outbox.post(tx, { kind, peer: to }, message, messageId);
    this.#subscriptions.subscribeNegotiated(tx, to);
    return { devices, id, sealedSender: sealed };
  }

  /** Sends our bundle to an identity, by default in a message without content. */
  async sendBundle(tx: Transaction, to: PublicKey, content: Uint8Array = new Uint8Array(0)): Promise<void> {
    const { message } = await this.#context.device.encryptDh(tx, to, content);
    this.#outbox.post(tx, { kind: 'partitioned', peer: to }, message, NO_MESSAGE_ID);
    // It has heard from us, and may answer on the negotiated topic.
    if (content.length > 0) this.#subscriptions.subscribeNegotiated(tx, to);
  }
}
