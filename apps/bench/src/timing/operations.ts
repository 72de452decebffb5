import { concatBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { TimedOperation } from './leakage.js';

/** What of a provider touches secrets, with classes of inputs that must not show in its time. */
export function operationsOf(crypto: CryptoProvider): readonly TimedOperation[] {
  // What isn't secret differs each time, so that it teaches the processor's predictors nothing about one class.
  const peers = Array.from({ length: 256 }, () => crypto.secp256k1.generateKeyPair().publicKey);
  const somePeer = () => (peers[crypto.randomBytes(1)[0] as number] as Uint8Array).slice();
  const fixed = crypto.secp256k1.generateKeyPair().privateKey;
  // 2^200 + 1: nearly all of its digits are zero.
  const sparse = new Uint8Array(32);
  sparse[6] = 1;
  sparse[31] = 1;
  const keyOf = (isSecond: boolean, other: Uint8Array) => {
    const drawn = crypto.secp256k1.generateKeyPair().privateKey;
    return (isSecond ? other : drawn).slice();
  };
  const mac = crypto.randomBytes(32);
  const key = crypto.randomBytes(32);
  const nonce = crypto.randomBytes(12);
  const sealed = crypto.sealAes256Gcm(key, nonce, crypto.randomBytes(1024));
  return [
    {
      what: 'secp256k1 ECDH',
      classes: 'random private keys, a fixed one',
      prepare(isSecond) {
        const [privateKey, peer] = [keyOf(isSecond, fixed), somePeer()];
        return () => crypto.secp256k1.ecdh(privateKey, peer);
      },
    },
    {
      what: 'secp256k1 ECDH',
      classes: 'random private keys, one of two digits',
      prepare(isSecond) {
        const [privateKey, peer] = [keyOf(isSecond, sparse), somePeer()];
        return () => crypto.secp256k1.ecdh(privateKey, peer);
      },
    },
    {
      what: 'signing',
      classes: 'random private keys, a fixed one',
      prepare(isSecond) {
        const [privateKey, digest] = [keyOf(isSecond, fixed), crypto.randomBytes(32)];
        return () => crypto.secp256k1.signRecoverable(digest, privateKey);
      },
    },
    {
      what: 'comparing MACs',
      classes: 'the first byte is wrong, the last one is',
      prepare(isSecond) {
        const given = changed(mac, isSecond ? 31 : 0);
        return () => crypto.equalBytes(mac, given);
      },
    },
    {
      what: 'opening AES-GCM, 1 KiB',
      classes: 'the first byte of the tag is wrong, the last one is',
      prepare(isSecond) {
        const given = changed(sealed, sealed.length - (isSecond ? 1 : 16));
        return () => refused(() => crypto.openAes256Gcm(key, nonce, given));
      },
    },
  ];
}

/** What the instrument has to find: a comparison that ends at the first difference. */
export function plantedLeak(crypto: CryptoProvider): TimedOperation {
  const mac = concatBytes(...Array.from({ length: 32 }, () => crypto.randomBytes(32)));
  return {
    what: 'a planted leak',
    classes: 'the first byte of 1,024 is wrong, the last one is',
    prepare(isSecond) {
      const given = changed(mac, isSecond ? mac.length - 1 : 0);
      return () => mac.every((byte, i) => byte === given[i]);
    },
  };
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ 0xff;
  return copy;
}

function refused(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}
