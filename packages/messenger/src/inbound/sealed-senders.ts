import { compareBytes, isSottoError, type PublicKey, type TransportMessage } from '@sotto/core';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { MessengerContext } from '../runtime/context.js';

/** A message with an identity as its sender. */
export interface IdentifiedMessage extends TransportMessage {
  /** Sealed, and signed with a pseudonym, which only the two identities can tell from any other key. Default false. */
  readonly sealedSender?: boolean | undefined;
}

/** Finds out who sent sealed messages, which the transport reports under pseudonyms. Wire profile, section 11. */
export class SealedSenders {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;

  constructor(context: MessengerContext, subscriptions: Subscriptions) {
    this.#context = context;
    this.#subscriptions = subscriptions;
  }

  /**
   * The message with an identity as its sender.
   * @returns `undefined` for a sealed message that isn't for us: from another device of ours to someone else, or by anyone but the two who
   *   share its topic
   */
  identify(message: TransportMessage): IdentifiedMessage | undefined {
    const { device } = this.#context;
    if (!device.isSealed(message.payload)) return message;
    const peer =
      message.channel.kind === 'negotiated' ? this.#subscriptions.peerOf(message.channel) : undefined;
    const sender = peer && this.#senderOf(peer, message);
    if (peer === undefined || sender === undefined) {
      this.#context.settings.logger.info('sealed message of an unknown sender dropped', {
        channel: message.channel.kind,
      });
      return undefined;
    }
    const isForPeer = compareBytes(sender, peer) !== 0;
    // One that was sealed for another transport than it went over may be signed with the identity.
    const sealedSender = compareBytes(sender, message.sender) !== 0;
    return isForPeer ? undefined : { ...message, sender, sealedSender };
  }

  #senderOf(peer: PublicKey, { sender, payload }: TransportMessage): PublicKey | undefined {
    try {
      return this.#context.device.sealedSender(peer, sender, payload);
    } catch (error) {
      if (isSottoError(error, 'MALFORMED_MESSAGE')) return undefined;
      throw error;
    }
  }
}
