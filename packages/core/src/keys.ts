import { parseText } from './arguments.js';
import { encodeUtf8 } from './bytes.js';
import { SottoError } from './errors.js';
import { Redacted } from './redacted.js';

declare const brand: unique symbol;

/** Bytes known to be a particular kind of key. Made by a parser or by the library, never by a cast in calling code. */
export type Branded<Name extends string> = Uint8Array & { readonly [brand]: Name };

/** A point on secp256k1, 33 bytes, compressed SEC1. */
export type PublicKey = Branded<'PublicKey'>;
/** A secp256k1 scalar, 32 bytes big-endian, in 1 .. order - 1. */
export type PrivateKey = Branded<'PrivateKey'>;
/** 32 secret bytes that two parties have agreed on. */
export type SharedKey = Branded<'SharedKey'>;
/** A recoverable ECDSA signature, 65 bytes `r || s || v`, `v` 0 or 1, low s. */
export type Signature = Branded<'Signature'>;

/** Length in bytes of a compressed public key. */
export const PUBLIC_KEY_LENGTH = 33;
/** Length in bytes of an uncompressed public key. */
export const UNCOMPRESSED_PUBLIC_KEY_LENGTH = 65;
/** Length in bytes of a private key. */
export const PRIVATE_KEY_LENGTH = 32;
/** Length in bytes of a shared key. */
export const SHARED_KEY_LENGTH = 32;
/** Length in bytes of a recoverable signature. */
export const SIGNATURE_LENGTH = 65;

/** A secp256k1 key pair. Prints redacted. */
export class KeyPair extends Redacted {
  constructor(
    /** 33 bytes, compressed SEC1. */
    readonly publicKey: PublicKey,
    /** 32 bytes. */
    readonly privateKey: PrivateKey,
  ) {
    super();
  }
}

/** Name of one device of an identity: 1 to 256 bytes of UTF-8, and not `none`. */
export type InstallationId = string & { readonly [brand]: 'InstallationId' };

/** The map key of a message to no device in particular: the fallback when no bundle is known. */
export const NO_INSTALLATION = 'none';

/** Longest installation id in bytes of UTF-8. Deployed clients use UUIDs; the bound keeps records small. */
export const INSTALLATION_ID_MAX_BYTES = 256;

/**
 * Checks an installation id: 1 to 256 bytes of UTF-8, no control characters, not `none`.
 * @throws INVALID_TEXT, INVALID_ARGUMENT
 */
export function parseInstallationId(text: string): InstallationId {
  const reason =
    parseText(text, 'installation id').length === 0
      ? 'empty'
      : text === NO_INSTALLATION
        ? '"none" is reserved for messages to no device in particular'
        : text.length > INSTALLATION_ID_MAX_BYTES || encodeUtf8(text).length > INSTALLATION_ID_MAX_BYTES
          ? `longer than ${INSTALLATION_ID_MAX_BYTES} bytes`
          : /\p{Control}/u.test(text)
            ? 'control characters'
            : undefined;
  if (reason !== undefined) {
    throw new SottoError('INVALID_TEXT', `Not a usable installation id: ${reason}.`, {
      what: 'installation id',
      reason,
    });
  }
  return text as InstallationId;
}
