import { compareBytes, encodeUtf8, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Bundle, decodeProtocolMessage, type ProtocolMessage } from '@sotto/protocol-codec';
import type { DeviceContext } from './context.js';
import { isSealed, unsealMessage } from './sealed/sealed-message.js';

/** KECCAK-256 of sender and ProtocolMessage, 32 bytes: the id of a message, the same on every device. */
export function messageIdFor(crypto: CryptoProvider, sender: PublicKey, message: Uint8Array): Uint8Array {
  return crypto.keccak256(sender, message);
}

/**
 * KECCAK-256 of the above and the name of the public channel, 32 bytes. The same payload on two channels makes
 * two messages: no signature covers the channel, and one must not suppress the other.
 */
export function publicMessageIdFor(
  crypto: CryptoProvider,
  sender: PublicKey,
  message: Uint8Array,
  channel: string,
): Uint8Array {
  return crypto.keccak256(messageIdFor(crypto, sender, message), encodeUtf8(channel));
}

/** The newest of the sender's own bundles in a message; ignores those of others. */
export function newestBundle(from: PublicKey, message: ProtocolMessage): Bundle | undefined {
  return message.bundles
    .filter(({ identity }) => compareBytes(identity, from) === 0)
    .reduce<Bundle | undefined>(
      (best, bundle) => (best === undefined || bundle.timestamp > best.timestamp ? bundle : best),
      undefined,
    );
}

/** When the sender signed the bundle that goes with a message, in milliseconds since the epoch. */
export function signedTime(from: PublicKey, message: ProtocolMessage): number | undefined {
  const timestamp = newestBundle(from, message)?.timestamp ?? 0n;
  return timestamp === 0n ? undefined : Number(timestamp / 1_000_000n);
}

/** A message in either form, sealed or not. */
export interface ReceivedMessage {
  readonly message: ProtocolMessage;
  readonly sealed: boolean;
  /** When its sender signed its bundle or sealed it, in milliseconds since the epoch. */
  readonly signedAt: number | undefined;
}

/**
 * Reads a message in either form. That of a sealed one proves only that one of the two identities made it.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function readMessage(context: DeviceContext, from: PublicKey, bytes: Uint8Array): ReceivedMessage {
  if (!isSealed(bytes)) {
    const message = decodeProtocolMessage(bytes);
    return { message, sealed: false, signedAt: signedTime(from, message) };
  }
  const { crypto, sealing, identity } = context;
  const direction = { sender: from, recipient: identity.publicKey };
  const { message, sealedAt } = unsealMessage(crypto, sealing, direction, bytes);
  return { message: decodeProtocolMessage(message), sealed: true, signedAt: sealedAt };
}
