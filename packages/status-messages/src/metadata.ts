import { type CryptoProvider, encodeHex, type KeyPair, type PublicKey, SottoError } from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';
import { decodeWire } from './decode.js';
import { checkUint32 } from './encode-checks.js';
import { Metadata as Wire } from './generated/sotto/status_messages/v1/application.js';
import type { StatusDecodeOptions } from './limits.js';
import { PROFILE_2024, type StatusProfile } from './profile.js';
import { METADATA } from './wire-shapes.js';

/** What the payload of a metadata message is. Other types exist, and are kept as they are. */
export const MESSAGE_TYPE = Object.freeze({
  chatMessage: 1,
  contactUpdate: 2,
  membershipUpdate: 3,
  pairInstallation: 4,
  contactCodeAdvertisement: 15,
  emojiReaction: 22,
  editMessage: 29,
  deleteMessage: 31,
  acceptContactRequest: 46,
  retractContactRequest: 47,
});

/**
 * A read receipt, which only this software sends and reads: the payload is a datasync payload whose group offers name what was read. Deployed
 * clients ignore messages of types that they don't know.
 */
export const READ_RECEIPT_TYPE = 0x534f54;

/** An application message with its author. */
export interface AuthoredMessage {
  /** 33 bytes, compressed SEC1. */
  readonly author: PublicKey;
  /**
   * KECCAK-256 of the author's 65-byte key and the metadata message, 32 bytes, in hex with `0x`. Of a message without a
   * signature, of the message alone.
   */
  readonly messageId: string;
  /** One of {@link MESSAGE_TYPE}, or a type unknown to this package. */
  readonly type: number;
  /** The application message. */
  readonly payload: Uint8Array;
}

/**
 * Signs an application message and wraps it. Deterministic: the same bytes, and the same id, for the recipient and for one's own
 * devices.
 * @param author borrowed
 * @returns the metadata message, and its id as in {@link AuthoredMessage}
 * @throws INVALID_ARGUMENT
 */
export function signMessage(
  crypto: CryptoProvider,
  author: KeyPair,
  { type, payload }: Pick<AuthoredMessage, 'type' | 'payload'>,
): { readonly bytes: Uint8Array; readonly messageId: string } {
  const signature = crypto.secp256k1.signRecoverable(crypto.keccak256(payload), author.privateKey);
  const bytes = Wire.encode({ signature, payload, type: checkUint32('message type', type) }).finish();
  return { bytes, messageId: messageIdOf(crypto, author.publicKey, bytes) };
}

/**
 * Unwraps a metadata message. The author must be the signer of the envelope: deployed clients accept any author, so that whoever has a
 * signed message can replay it to others.
 * @param bytes borrowed
 * @param signer of the envelope
 * @param profile how an empty signature is read. Default: {@link PROFILE_2024}
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED; INVALID_SIGNATURE, also for a high s, a second encoding of the same signature;
 *   WRONG_IDENTITY when someone else is the author
 */
export function openMessage(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  signer: PublicKey,
  options?: StatusDecodeOptions & { readonly profile?: StatusProfile | undefined },
): AuthoredMessage {
  const { signature, payload, type } = decodeWire(bytes, METADATA, Wire, options);
  const { emptySignatureIsAbsent } = options?.profile ?? PROFILE_2024;
  if (signature === undefined || (signature.length === 0 && emptySignatureIsAbsent)) {
    return { author: signer, messageId: `0x${encodeHex(crypto.keccak256(bytes))}`, type, payload };
  }
  if (signature.length !== 65) throw malformed('Metadata.signature', 'not 65 bytes');
  if ((signature[64] as number) > 3) throw malformed('Metadata.signature', 'recovery id above 3');
  const author = crypto.secp256k1.recoverPublicKey(crypto.keccak256(payload), signature);
  if (!crypto.equalBytes(author, signer)) {
    throw new SottoError('WRONG_IDENTITY', 'The message is signed by someone other than its sender.', {
      expected: encodeHex(signer),
      actual: encodeHex(author),
    });
  }
  return { author, messageId: messageIdOf(crypto, author, bytes), type, payload };
}

function messageIdOf(crypto: CryptoProvider, author: PublicKey, bytes: Uint8Array): string {
  return `0x${encodeHex(crypto.keccak256(crypto.secp256k1.uncompressPublicKey(author), bytes))}`;
}
