import { type KeyPair, type PublicKey, Redacted, type SharedKey, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** The initiator's result of X3DH. Prints redacted. */
export class X3dhInitiation extends Redacted {
  constructor(
    /** The shared key, 32 bytes; secret. */
    readonly sharedKey: SharedKey,
    /** `EK_A`, 33 bytes: `X3DH_header.key` of every message until the peer answers. */
    readonly ephemeralKey: PublicKey,
  ) {
    super();
  }
}

/**
 * Key agreement of the initiator. X3DH without one-time prekeys, wire profile, section 3:
 * `SK = KECCAK-256(DH(IK_A, SPK_B) || DH(EK_A, IK_B) || DH(EK_A, SPK_B))` with a fresh `EK_A`.
 *
 * The caller must have verified the bundle that the prekey comes from, see `verifyBundle`.
 *
 * @param input.identity our identity, `IK_A`
 * @param input.remoteIdentity `IK_B`, 33 or 65 bytes
 * @param input.signedPreKey `SPK_B`, 33 or 65 bytes
 * @throws INVALID_PUBLIC_KEY
 */
export function initiateX3dh(
  crypto: CryptoProvider,
  input: {
    readonly identity: KeyPair;
    readonly remoteIdentity: Uint8Array;
    readonly signedPreKey: Uint8Array;
  },
): X3dhInitiation {
  const { ecdh, generateKeyPair } = crypto.secp256k1;
  const ephemeral = generateKeyPair();
  const sharedKey = combine(
    crypto,
    ecdh(input.identity.privateKey, input.signedPreKey),
    ecdh(ephemeral.privateKey, input.remoteIdentity),
    ecdh(ephemeral.privateKey, input.signedPreKey),
  );
  wipeBytes(ephemeral.privateKey);
  return new X3dhInitiation(sharedKey, ephemeral.publicKey);
}

/**
 * Key agreement of the responder. Returns the shared key, 32 bytes. Proves nothing about the sender yet: keep no state until
 * a message under the key has authenticated.
 *
 * @param input.signedPreKey the pair that `X3DH_header.id` names
 * @param input.remoteIdentity `IK_A`, 33 or 65 bytes, as authenticated by the transport
 * @param input.ephemeralKey `EK_A`, `X3DH_header.key`
 * @throws INVALID_PUBLIC_KEY
 */
export function acceptX3dh(
  crypto: CryptoProvider,
  input: {
    readonly identity: KeyPair;
    readonly signedPreKey: KeyPair;
    readonly remoteIdentity: Uint8Array;
    readonly ephemeralKey: Uint8Array;
  },
): SharedKey {
  const { ecdh } = crypto.secp256k1;
  return combine(
    crypto,
    ecdh(input.signedPreKey.privateKey, input.remoteIdentity),
    ecdh(input.identity.privateKey, input.ephemeralKey),
    ecdh(input.signedPreKey.privateKey, input.ephemeralKey),
  );
}

function combine(crypto: CryptoProvider, ...dhOutputs: readonly Uint8Array[]): SharedKey {
  const sharedKey = crypto.keccak256(...dhOutputs) as SharedKey;
  wipeBytes(...dhOutputs);
  return sharedKey;
}
