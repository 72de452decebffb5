/**
 * The catalogue of errors: every one that a package of Sotto raises on purpose, by its stable code, with the type of its details.
 *
 * Match on `error.code`, never on the message or with `instanceof`: two copies of this package may be
 * loaded. Details never hold secrets, plaintexts or key material; sizes, names, counts and public identifiers only.
 */
export interface ErrorDetails {
  // Bytes and keys
  /**
   * Bytes of the wrong length, or (`safety number`) digits. `what` names them for a developer; `kind` says which of the
   * things that people type or paste it is, if it is one.
   */
  INVALID_LENGTH: {
    readonly what: string;
    readonly kind?: 'public key' | 'safety number' | undefined;
    readonly expected: number | string;
    readonly actual: number;
  };
  /** Text that isn't in the expected format. */
  INVALID_TEXT: { readonly what: TextKind; readonly reason: string };
  /** An argument outside its documented range. */
  INVALID_ARGUMENT: { readonly what: string; readonly reason: string };
  /** Not the encoding of a point on the curve, or not an encapsulation key of ML-KEM-768. */
  INVALID_PUBLIC_KEY: { readonly curve: 'secp256k1' | 'x25519' | 'ML-KEM-768'; readonly reason: string };
  /** A scalar that is zero or not below the order of the group. */
  INVALID_PRIVATE_KEY: { readonly curve: 'secp256k1' | 'x25519' };
  /** A signature that is malformed, or from which no key can be recovered. */
  INVALID_SIGNATURE: { readonly reason: string };
  /** An authentication tag or MAC that doesn't match: wrong key, or altered bytes. */
  AUTHENTICATION_FAILED: { readonly what: string };
  /** An optional package that is needed here can't be loaded; `packages` are the npm packages to install. */
  PACKAGE_MISSING: { readonly packages: readonly string[]; readonly reason: string };

  // Wire format
  /** Bytes from outside that are not a well-formed message. */
  MALFORMED_MESSAGE: { readonly what: string; readonly reason: string };
  /** A message, field or collection beyond its limit; refused before work is done on it. */
  LIMIT_EXCEEDED: { readonly what: string; readonly limit: number; readonly actual: number };

  // Bundles and key agreement
  /** The signature of a bundle was not made by the identity that the bundle names. */
  BUNDLE_SIGNATURE_INVALID: { readonly reason: string };
  /** A bundle that verifies, with values that no honest peer would sign (time, version, number of devices). */
  BUNDLE_IMPLAUSIBLE: { readonly reason: string };
  /** A sound bundle that is older than one known. Both in nanoseconds since the epoch. */
  BUNDLE_STALE: { readonly timestamp: bigint; readonly known: bigint };

  // Double Ratchet
  /** A ratchet message whose shape is wrong: short body, key of the wrong length, impossible counters. */
  RATCHET_MALFORMED: { readonly reason: string };
  /** A message whose key was used already, or was deleted because it was too old. */
  RATCHET_DUPLICATE: { readonly n: number };
  /** More messages would have to be skipped in one chain than the limit allows. */
  RATCHET_TOO_MANY_SKIPPED: { readonly limit: number; readonly requested: number };
  /** The stored key of a skipped message was not passed, although the state lists it. */
  RATCHET_KEY_MISSING: { readonly n: number };
  /** A chain reached 2^32 - 1 messages and can't go on. */
  RATCHET_EXHAUSTED: Record<string, never>;

  // Serialised state
  /** Stored bytes that cannot be read back. */
  STATE_CORRUPT: { readonly what: string; readonly reason: string };
  /** Stored bytes of a newer version than this software writes. */
  STATE_VERSION_UNSUPPORTED: { readonly what: string; readonly version: number };

  // Messenger
  /** No session fits the message: the sender used a prekey or session that this device doesn't know. */
  SESSION_NOT_FOUND: { readonly installationId: string };
  /** The message has no entry for this device. */
  DEVICE_NOT_ADDRESSED: { readonly installationId: string };
  /** The same message was received before. */
  DUPLICATE_MESSAGE: { readonly messageId: string };
  /** The message is older than the record of received messages reaches, so it may be a duplicate. */
  MESSAGE_TOO_OLD: { readonly messageId: string };
  /** The named device, group, contact or message isn't known here. */
  NOT_FOUND: {
    readonly what:
      | 'blob'
      | 'contact'
      | 'conversation'
      | 'device'
      | 'group'
      | 'group change'
      | 'message'
      | 'name'
      | 'peer';
    readonly id: string;
  };
  /**
   * A device was not linked. `used`: another device has read the code before; `expired`: nobody read it, or answered, in
   * time; `declined`: the user of this device said no; `cancelled`: the other device ended it; `damaged`: what arrived is not what was
   * announced; `silent`: nothing came from the other device for too long.
   */
  DEVICE_NOT_LINKED: {
    readonly reason: 'used' | 'expired' | 'declined' | 'cancelled' | 'damaged' | 'silent';
  };
  /** The author of a request isn't permitted to make it. */
  NOT_PERMITTED: { readonly what: string };
  /** None of the devices addressed could be sent to. */
  NO_DEVICE_REACHED: { readonly failures: number };

  // People
  /**
   * Words that are not a BIP39 mnemonic. `word`: the words at these positions, counted from 1, aren't in the word list
   * (they are part of a secret and aren't quoted); `count`: not 12, 15, 18, 21 or 24; `checksum`: the
   * checksum doesn't match, so a word is wrong or two are swapped.
   */
  INVALID_MNEMONIC:
    | { readonly problem: 'word'; readonly positions: readonly number[] }
    | { readonly problem: 'count'; readonly count: number }
    | { readonly problem: 'checksum' };
  /**
   * Not a contact card that this version can read. `not-a-card`: something else was scanned or pasted;
   * `damaged`: a card, cut off or altered; `newer-version`: intact, and made by newer software.
   */
  INVALID_CONTACT_CARD:
    | { readonly problem: 'not-a-card' }
    | { readonly problem: 'damaged'; readonly reason: string }
    | { readonly problem: 'newer-version'; readonly version: number; readonly supported: number };
  /** Valid, but from an identity other than the expected one. Public keys in hex, 33 bytes each. */
  WRONG_IDENTITY: { readonly expected: string; readonly actual: string };
  /** An image without a readable QR code. */
  QR_UNREADABLE: { readonly reason: string };

  // Ports
  /** A record doesn't have the revision that a write expects; nothing of the commit was stored. */
  STORE_CONFLICT: { readonly key: string };
  /** Another process, tab or handle has this store open. */
  STORE_LOCKED: { readonly where: string };
  /** The store cannot write or read now: disk full, I/O error, quota. Trying again later may work. */
  STORE_UNAVAILABLE: { readonly reason: string };
  /** A record or the store as a whole is damaged. */
  STORE_CORRUPT: { readonly what: string };
  /** The store was written by newer software. */
  STORE_SCHEMA_NEWER: { readonly found: number; readonly supported: number };
  /** The passphrase doesn't open this store. */
  STORE_WRONG_PASSPHRASE: Record<string, never>;
  /** A record is older than it should be: an old copy of it was put back. */
  STORE_ROLLBACK: { readonly what: string };
  /** The node, broker or peer can't be reached now. Trying again later may work. */
  TRANSPORT_UNAVAILABLE: { readonly reason: string };
  /** The other end answered, and refused. */
  TRANSPORT_REFUSED: { readonly reason: string };
  /** No directory of bundles answers now. Trying again later may work. `directory` is its name. */
  DIRECTORY_UNAVAILABLE: { readonly directory: string; readonly reason: string };
  /** A directory refused a publication. */
  DIRECTORY_REFUSED: { readonly directory: string; readonly reason: string };
  /** A directory answered with something that can't be what was asked for: altered, of another identity, expired. */
  DIRECTORY_ANSWER_INVALID: { readonly directory: string; readonly reason: string };
  /** The store of attachments can't be reached now. Trying again later may work. `store` is its name. */
  BLOB_UNAVAILABLE: { readonly store: string; readonly reason: string };
  /** The store of attachments refuses, or doesn't serve what is asked for. */
  BLOB_REFUSED: { readonly store: string; readonly reason: string };
  /** A call was not answered in time. */
  TIMEOUT: { readonly what: string; readonly milliseconds: number };
  /** The resource was closed. */
  CLOSED: { readonly what: string };
  /** The caller's AbortSignal fired. */
  ABORTED: { readonly what: string };
}

/** The kinds of text that INVALID_TEXT tells apart: what people type or paste, and what programs exchange. */
export type TextKind =
  | 'base64'
  | 'chat name'
  | 'contact code'
  | 'conversation key'
  | 'device link code'
  | 'enode URL'
  | 'ENS name'
  | 'Ethereum address'
  | 'hex'
  | 'installation id'
  | 'message text'
  | 'person name'
  | 'public key'
  | 'safety number'
  | 'text';

/** A stable error code, see {@link ErrorDetails}. */
export type ErrorCode = keyof ErrorDetails;

/** The one error class of Sotto. `code` is stable across versions; `message` is for people. */
export class SottoError<C extends ErrorCode = ErrorCode> extends Error {
  /** The same in every copy of this package. */
  override readonly name = 'SottoError';
  /** What is wrong, see {@link ErrorDetails}. */
  readonly code: C;
  /** What the code promises, and no secrets. */
  readonly details: ErrorDetails[C];

  constructor(code: C, message: string, details: ErrorDetails[C], options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** The error of an argument that can't be used: `what` names it, `reason` says what is wrong with it. */
export function invalidArgument(what: string, reason: string): SottoError<'INVALID_ARGUMENT'> {
  return new SottoError('INVALID_ARGUMENT', `Not a valid ${what}: ${reason}.`, { what, reason });
}

/** Makes the error for something beyond its limit. @param what with its unit: `answer of example.org, bytes` */
export function limitExceeded(what: string, limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', `${what}: ${actual} is more than the limit of ${limit}.`, {
    what,
    limit,
    actual,
  });
}

/**
 * The error of an optional package that can't be loaded.
 * @param what what needs it, to begin a sentence with
 * @param packages the npm packages to install
 * @param cause what loading it threw
 */
export function packageMissing(
  what: string,
  packages: readonly string[],
  cause: unknown,
): SottoError<'PACKAGE_MISSING'> {
  const message = `${what} needs a package that isn't installed: npm install ${packages.join(' ')}`;
  const reason = (cause as { code?: string } | undefined)?.code ?? 'it cannot be loaded';
  return new SottoError('PACKAGE_MISSING', message, { packages, reason }, { cause });
}

/**
 * Whether `error` is a SottoError and, with `code`, whether it has that code. Works across copies of the package.
 */
export function isSottoError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is SottoError<C> {
  return (
    error instanceof Error &&
    error.name === 'SottoError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  );
}

/** An error in a word, for a log: its code, or what kind it is. Never its message, which may quote what was given. */
export function errorName(error: unknown): string {
  return isSottoError(error) ? error.code : error instanceof Error ? error.name : typeof error;
}

/** Whether an error reports one damaged record or state, which leaves everything else in the store usable. */
export function isDamage(
  error: unknown,
): error is SottoError<'STATE_CORRUPT' | 'STORE_CORRUPT' | 'STORE_ROLLBACK'> {
  return (
    isSottoError(error, 'STATE_CORRUPT') ||
    isSottoError(error, 'STORE_CORRUPT') ||
    isSottoError(error, 'STORE_ROLLBACK')
  );
}
