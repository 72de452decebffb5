import { Buffer } from 'node:buffer';
import { createECDH, createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { MlKem768 } from 'mlkem';

/*
 * The handshake a second time, written from its description alone: secp256k1 and X25519 by OpenSSL, HKDF by WebCrypto, ML-KEM by
 * npm mlkem. Everything in hex.
 */

/** What decides a handshake. */
export interface PqxdhInputs {
  readonly suite: number;
  readonly initiatorIdentityPrivate: string;
  readonly initiatorInstallationId: string;
  readonly initiatorBundleDigest: string;
  readonly responderIdentityPrivate: string;
  readonly responderInstallationId: string;
  readonly responderBundleDigest: string;
  readonly signedPreKeyPrivate: string;
  /** Missing where the responder has no Curve25519 prekey. */
  readonly curve25519PreKeyPrivate?: string;
  /** 64 bytes. */
  readonly kemPreKeySeed: string;
  readonly ephemeralPrivate: string;
  readonly curve25519EphemeralPrivate?: string;
  /** 32 bytes. */
  readonly kemMessage: string;
}

/** What follows from it. */
export interface PqxdhOutputs {
  readonly kemPreKey: string;
  readonly kemCiphertext: string;
  readonly associatedData: string;
  readonly sharedKey: string;
}

export async function recompute(inputs: PqxdhInputs): Promise<PqxdhOutputs> {
  const kem = new MlKem768();
  const [kemPreKey] = await kem.deriveKeyPair(bytes(inputs.kemPreKeySeed));
  const [kemCiphertext, kemSecret] = await kem.encap(kemPreKey, bytes(inputs.kemMessage));
  const spk = pointOf(inputs.signedPreKeyPrivate);
  const secrets = [
    ecdh(inputs.initiatorIdentityPrivate, spk),
    ecdh(inputs.ephemeralPrivate, pointOf(inputs.responderIdentityPrivate)),
    ecdh(inputs.ephemeralPrivate, spk),
  ];
  if (inputs.curve25519PreKeyPrivate && inputs.curve25519EphemeralPrivate) {
    secrets.push(x25519(inputs.curve25519EphemeralPrivate, u(inputs.curve25519PreKeyPrivate)));
  }
  const suite = Buffer.alloc(4);
  suite.writeUInt32BE(inputs.suite);
  const transcript = [
    'sotto pqxdh v1',
    suite,
    pointOf(inputs.initiatorIdentityPrivate),
    inputs.initiatorInstallationId,
    bytes(inputs.initiatorBundleDigest),
    pointOf(inputs.responderIdentityPrivate),
    inputs.responderInstallationId,
    bytes(inputs.responderBundleDigest),
    spk,
    inputs.curve25519PreKeyPrivate ? u(inputs.curve25519PreKeyPrivate) : Buffer.alloc(0),
    createHash('sha256').update(kemPreKey).digest(),
    pointOf(inputs.ephemeralPrivate),
    inputs.curve25519EphemeralPrivate ? u(inputs.curve25519EphemeralPrivate) : Buffer.alloc(0),
    kemCiphertext,
  ];
  const hash = createHash('sha256');
  for (const part of transcript) {
    const content = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    hash.update(length).update(content);
  }
  const associatedData = hash.digest();
  const inputKey = Buffer.concat([Buffer.alloc(32, 0xff), ...secrets, kemSecret]);
  const key = await globalThis.crypto.subtle.importKey('raw', inputKey, 'HKDF', false, ['deriveBits']);
  const info = Buffer.concat([Buffer.from('sotto pqxdh v1'), suite, associatedData]);
  const sharedKey = await globalThis.crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info },
    key,
    256,
  );
  return {
    kemPreKey: hex(kemPreKey),
    kemCiphertext: hex(kemCiphertext),
    associatedData: hex(associatedData),
    sharedKey: hex(new Uint8Array(sharedKey)),
  };
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

function pointOf(privateKey: string): Buffer {
  const pair = createECDH('secp256k1');
  pair.setPrivateKey(privateKey, 'hex');
  return pair.getPublicKey(null, 'compressed');
}

function ecdh(privateKey: string, publicKey: Uint8Array): Buffer {
  const pair = createECDH('secp256k1');
  pair.setPrivateKey(privateKey, 'hex');
  return pair.computeSecret(publicKey);
}

function x25519Key(privateKey: string) {
  const der = Buffer.from(`302e020100300506032b656e04220420${privateKey}`, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function u(privateKey: string): Buffer {
  return createPublicKey(x25519Key(privateKey)).export({ format: 'der', type: 'spki' }).subarray(-32);
}

function x25519(privateKey: string, publicKey: Uint8Array): Buffer {
  const der = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]);
  return diffieHellman({
    privateKey: x25519Key(privateKey),
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  });
}
