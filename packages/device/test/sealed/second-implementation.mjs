import { Buffer } from 'node:buffer';
import { createECDH, webcrypto } from 'node:crypto';

/*
 * Sealed messages a second time, written from the wire profile alone (section 11): secp256k1 by OpenSSL, HKDF and AES-GCM by WebCrypto.
 * Everything in hex; types in second-implementation.d.mts.
 */

const { subtle } = webcrypto;
const DAY_MS = 86_400_000;

export function publicKeyOf(privateKey) {
  const pair = createECDH('secp256k1');
  pair.setPrivateKey(privateKey, 'hex');
  return pair.getPublicKey('hex', 'compressed');
}

export async function deriveKeys(own, other, { sender, recipient, day }) {
  const pair = createECDH('secp256k1');
  pair.setPrivateKey(own, 'hex');
  const secret = await subtle.importKey('raw', pair.computeSecret(other, 'hex'), 'HKDF', false, [
    'deriveBits',
  ]);
  const info = Buffer.concat([
    Buffer.from('sotto sealed sender v1'),
    bytes(sender),
    bytes(recipient),
    be32(day),
  ]);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
  const derived = hex(await subtle.deriveBits(hkdf, secret, 512));
  const pseudonymPrivate = derived.slice(0, 64);
  return { pseudonymPrivate, pseudonym: publicKeyOf(pseudonymPrivate), key: derived.slice(64) };
}

export async function seal(key, { day, time, nonce, message }) {
  const header = Buffer.concat([Buffer.of(0, 1), be32(day)]);
  const plaintext = Buffer.concat([be64(time), bytes(message)]);
  const encrypted = await subtle.encrypt(gcm(nonce, header), await aesKey(key), plaintext);
  return `${hex(header)}${nonce}${hex(encrypted)}`;
}

export async function open(key, sealed) {
  const all = bytes(sealed);
  const [header, nonce, encrypted] = [all.subarray(0, 6), all.subarray(6, 18), all.subarray(18)];
  const plaintext = Buffer.from(await subtle.decrypt(gcm(hex(nonce), header), await aesKey(key), encrypted));
  return {
    day: header.readUInt32BE(2),
    time: Number(plaintext.readBigUInt64BE(0)),
    message: hex(plaintext.subarray(8)),
  };
}

export async function recompute({ senderPrivate, recipientPrivate, time, nonce, message, bundle, payload }) {
  const [sender, recipient] = [publicKeyOf(senderPrivate), publicKeyOf(recipientPrivate)];
  const day = Math.floor(time / DAY_MS);
  const keys = await deriveKeys(senderPrivate, recipient, { sender, recipient, day });
  const sealed = await seal(keys.key, { day, time, nonce, message });
  const sessionContent = `${hex(be32(bundle.length / 2))}${bundle}${payload}`;
  return { sender, recipient, day, ...keys, sealed, sessionContent };
}

const bytes = (text) => Buffer.from(text, 'hex');
const hex = (value) => Buffer.from(value).toString('hex');
const aesKey = (key) => subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
const gcm = (nonce, additionalData) => ({ name: 'AES-GCM', iv: bytes(nonce), additionalData });

function be32(number) {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32BE(number);
  return encoded;
}

function be64(number) {
  const encoded = Buffer.alloc(8);
  encoded.writeBigUInt64BE(BigInt(number));
  return encoded;
}
