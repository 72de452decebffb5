import {
  compareBytes,
  concatBytes,
  copyBytes,
  invalidArgument,
  type KeyPair,
  type MlKem768KeyPair,
  type MlKem768Provider,
  parseBytes,
  Redacted,
  type SharedKey,
  SottoError,
  wipeBytes,
  type X25519KeyPair,
  type X25519Provider,
} from '@sotto/core';
import { checkHeader, malformedHeader, PQXDH_DIGEST_LENGTH, type PqxdhHeader } from './pqxdh-header.js';
import { bigEndian, hashTranscript, PQXDH_NAME, type PqxdhTranscript } from './pqxdh-transcript.js';

/** What the handshake needs: X25519 and ML-KEM-768 beside the curve of identities. */
export type PqxdhProvider = X25519Provider & MlKem768Provider;

/** Our own side of a handshake. */
export interface PqxdhLocal {
  /** Our identity. */
  readonly identity: KeyPair;
  /** The id of this device. */
  readonly installationId: string;
  /** Digest of this device as it stands in our bundle, 32 bytes; the caller decides what it covers. */
  readonly bundleDigest: Uint8Array;
}

/** The other side of a handshake. */
export interface PqxdhRemote {
  /** Its identity, 33 or 65 bytes. */
  readonly identity: Uint8Array;
  /** The id of its device. */
  readonly installationId: string;
  /** Digest of its device as it stands in its bundle, whose signature the caller has checked; 32 bytes. */
  readonly bundleDigest: Uint8Array;
}

/** The responder's prekeys, as its bundle has them. */
export interface PqxdhPreKeys {
  /** `SPK_B`, 33 or 65 bytes. */
  readonly signedPreKey: Uint8Array;
  /** X25519, 32 bytes; `undefined` when the device has none. */
  readonly curve25519PreKey: Uint8Array | undefined;
  /** ML-KEM-768, 1184 bytes. */
  readonly kemPreKey: Uint8Array;
}

/** The same with their secrets. */
export interface PqxdhPreKeyPairs {
  /** The pair that `PqxdhHeader.signedPreKey` names. */
  readonly signedPreKey: KeyPair;
  /** Published with it; `undefined` when none was. */
  readonly curve25519PreKey: X25519KeyPair | undefined;
  /** Published with it. */
  readonly kemPreKey: MlKem768KeyPair;
}

/** The initiator's result. Prints redacted. */
export class PqxdhInitiation extends Redacted {
  constructor(
    /** 32 bytes; secret. */
    readonly sharedKey: SharedKey,
    /** Hash of the handshake, 32 bytes, for the associated data of every message. */
    readonly associatedData: Uint8Array,
    /** For the responder. */
    readonly header: PqxdhHeader,
  ) {
    super();
  }
}

/** The responder's result. Prints redacted. */
export class PqxdhAcceptance extends Redacted {
  constructor(
    /** 32 bytes; secret. */
    readonly sharedKey: SharedKey,
    /** Hash of the handshake, 32 bytes, for the associated data of every message. */
    readonly associatedData: Uint8Array,
  ) {
    super();
  }
}

/** Signal's `F`: keeps what is hashed apart from any encoded point. */
const PREFIX = new Uint8Array(32).fill(0xff);
const ZERO_SALT = new Uint8Array(32);

/**
 * Key agreement of the initiator: PQXDH (Signal, revision 3) with secp256k1 identities and a last-resort ML-KEM-768 prekey.
 *
 * `SK = HKDF-SHA-256(FF * 32 || DH(IK_A, SPK_B) || DH(EK_A, IK_B) || DH(EK_A, SPK_B) [|| X25519(ephemeral, prekey)] || SS)`, with
 * a salt of 32 zeros and the info `name || BE32(suite) || hash of the handshake`. The hash is in the derivation, and not only
 * in the associated data, so that parties whose views of the handshake differ share no key at all. The
 * KEM prekey is bound thereby whatever the KEM itself binds: a secret encapsulated anew for another prekey (the attack that the
 * formal analysis of PQXDH describes) gives another key.
 *
 * The caller must have verified the bundle that the prekeys come from. Draws `EK_A`, the ephemeral X25519 key, then the encapsulation;
 * their secrets are wiped.
 *
 * @param input.suite what the session is to speak, 0 to 2^32 - 1
 * @throws INVALID_PUBLIC_KEY; INVALID_LENGTH, INVALID_ARGUMENT, INVALID_TEXT
 */
export function initiatePqxdh(
  crypto: PqxdhProvider,
  input: {
    readonly suite: number;
    readonly local: PqxdhLocal;
    readonly remote: PqxdhRemote;
    readonly preKeys: PqxdhPreKeys;
  },
): PqxdhInitiation {
  const { local, preKeys, suite } = input;
  const { secp256k1, x25519, mlKem768 } = crypto;
  requireSuite(suite);
  requireDigests(local, input.remote);
  const remoteIdentity = secp256k1.parsePublicKey(input.remote.identity);
  const signedPreKey = secp256k1.parsePublicKey(preKeys.signedPreKey);

  const ephemeral = secp256k1.generateKeyPair();
  const curve25519 = preKeys.curve25519PreKey === undefined ? undefined : x25519.generateKeyPair();
  const secrets: Uint8Array[] = [];
  let kemCiphertext: Uint8Array;
  try {
    secrets.push(
      secp256k1.ecdh(local.identity.privateKey, signedPreKey),
      secp256k1.ecdh(ephemeral.privateKey, remoteIdentity),
      secp256k1.ecdh(ephemeral.privateKey, signedPreKey),
    );
    if (curve25519 !== undefined && preKeys.curve25519PreKey !== undefined) {
      secrets.push(x25519.ecdh(curve25519.privateKey, preKeys.curve25519PreKey));
    }
    const { ciphertext, sharedSecret } = mlKem768.encapsulate(preKeys.kemPreKey);
    secrets.push(sharedSecret);
    kemCiphertext = ciphertext;
  } finally {
    wipeBytes(ephemeral.privateKey);
    if (curve25519 !== undefined) wipeBytes(curve25519.privateKey);
  }

  const header: PqxdhHeader = {
    suite,
    ephemeralKey: ephemeral.publicKey,
    curve25519Key: curve25519?.publicKey,
    kemCiphertext,
    signedPreKey,
    bundleDigest: copyBytes(local.bundleDigest),
  };
  const { sharedKey, associatedData } = derive(crypto, secrets, {
    ...header,
    initiator: { ...local, identity: local.identity.publicKey },
    responder: { ...input.remote, identity: remoteIdentity },
    curve25519PreKey: preKeys.curve25519PreKey,
    kemPreKey: preKeys.kemPreKey,
  });
  return new PqxdhInitiation(sharedKey, associatedData, header);
}

/**
 * Key agreement of the responder, see {@link initiatePqxdh}. Proves nothing about the sender yet: keep no state until a message
 * under the key has authenticated. A ciphertext that wasn't made for our KEM prekey isn't refused here; it gives a key that
 * nobody else has.
 *
 * @param input.remote the initiator; `bundleDigest` is that of the entry which the header names by `bundleDigest`
 * @param input.preKeys those that were published with `header.signedPreKey`
 * @throws MALFORMED_MESSAGE when a part has the wrong length, or the header is for other prekeys or of another entry;
 *   INVALID_PUBLIC_KEY; INVALID_LENGTH, INVALID_ARGUMENT, INVALID_TEXT for what is ours
 */
export function acceptPqxdh(
  crypto: PqxdhProvider,
  input: {
    readonly local: PqxdhLocal;
    readonly remote: PqxdhRemote;
    readonly preKeys: PqxdhPreKeyPairs;
    readonly header: PqxdhHeader;
  },
): PqxdhAcceptance {
  const { header, local, preKeys } = input;
  const { secp256k1, x25519, mlKem768 } = crypto;
  requireDigests(local, input.remote);
  checkHeader(header);
  requireSuite(header.suite);
  if (compareBytes(header.signedPreKey, preKeys.signedPreKey.publicKey) !== 0) {
    throw malformedHeader('it is for another signed prekey');
  }
  if (compareBytes(header.bundleDigest, input.remote.bundleDigest) !== 0) {
    throw malformedHeader("it is of another entry of the sender's device");
  }
  const { curve25519PreKey } = preKeys;
  if ((header.curve25519Key === undefined) !== (curve25519PreKey === undefined)) {
    throw malformedHeader('it has a Curve25519 key where the prekeys have none, or none where they have one');
  }
  const remoteIdentity = secp256k1.parsePublicKey(input.remote.identity);
  const dhOutputs = [
    secp256k1.ecdh(preKeys.signedPreKey.privateKey, remoteIdentity),
    secp256k1.ecdh(local.identity.privateKey, header.ephemeralKey),
    secp256k1.ecdh(preKeys.signedPreKey.privateKey, header.ephemeralKey),
  ];
  if (header.curve25519Key !== undefined && curve25519PreKey !== undefined) {
    dhOutputs.push(x25519.ecdh(curve25519PreKey.privateKey, header.curve25519Key));
  }
  const sharedSecret = mlKem768.decapsulate(preKeys.kemPreKey.seed, header.kemCiphertext);
  const { sharedKey, associatedData } = derive(crypto, [...dhOutputs, sharedSecret], {
    ...header,
    initiator: { ...input.remote, identity: remoteIdentity },
    responder: { ...local, identity: local.identity.publicKey },
    curve25519PreKey: curve25519PreKey?.publicKey,
    kemPreKey: preKeys.kemPreKey.encapsulationKey,
  });
  return new PqxdhAcceptance(sharedKey, associatedData);
}

/** Takes the secrets over and wipes them. */
function derive(
  crypto: PqxdhProvider,
  secrets: readonly Uint8Array[],
  transcript: PqxdhTranscript,
): { readonly sharedKey: SharedKey; readonly associatedData: Uint8Array } {
  const associatedData = hashTranscript(crypto, transcript);
  const inputKey = concatBytes(PREFIX, ...secrets);
  const sharedKey = crypto.hkdfSha256({
    inputKey,
    salt: ZERO_SALT,
    info: concatBytes(PQXDH_NAME, bigEndian(transcript.suite), associatedData),
    length: 32,
  }) as SharedKey;
  wipeBytes(inputKey, ...secrets);
  return { sharedKey, associatedData };
}

function requireSuite(suite: number): void {
  if (!Number.isInteger(suite) || suite < 0 || suite > 0xffff_ffff) {
    throw invalidArgument('suite', 'not a whole number from 0 to 2^32 - 1');
  }
}

function requireDigests(...parties: readonly { readonly bundleDigest: Uint8Array }[]): void {
  for (const { bundleDigest } of parties) {
    if (parseBytes(bundleDigest, 'bundle digest').length !== PQXDH_DIGEST_LENGTH) {
      throw new SottoError('INVALID_LENGTH', `A bundle digest must have ${PQXDH_DIGEST_LENGTH} bytes.`, {
        what: 'bundle digest',
        expected: PQXDH_DIGEST_LENGTH,
        actual: bundleDigest.length,
      });
    }
  }
}
