import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import {
  concatBytes,
  encodeHex,
  isSottoError,
  KeyPair,
  type PublicKey,
  type Signature,
  SottoError,
} from '@sotto/core';
import {
  createPortableProvider,
  type Secp256k1,
  type X25519,
  type X25519KeyPair,
  type X25519Provider,
} from '../src/index.js';

/** A provider with one fault, as they are really made. */
export interface BrokenProvider {
  /** Begins with the name of the operation. */
  readonly fault: string;
  readonly provider: X25519Provider;
  /** Names of cases that have to notice. */
  readonly noticedBy: RegExp;
  /** Whether the fault shows in results, and so in a comparison; or only in memory, types or randomness. */
  readonly showsInResults: boolean;
}

const sound = createPortableProvider();

function withFault(changes: Partial<X25519Provider>): X25519Provider {
  return { ...sound, name: 'broken', ...changes };
}

function withSecp256k1(changes: Partial<Secp256k1>): X25519Provider {
  return withFault({ secp256k1: { ...sound.secp256k1, ...changes } });
}

function withX25519(changes: Partial<X25519>): X25519Provider {
  return withFault({ x25519: { ...sound.x25519, ...changes } });
}

const ORDER = curve.Point.Fn.ORDER;
const PRIME = curve.Point.Fp.ORDER;
const numberOf = (bytes: Uint8Array) => BigInt(`0x${encodeHex(bytes)}`);
const bytesOf = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));

const encodedPoint = (bytes: Uint8Array) => curve.Point.fromBytes(bytes).toBytes(true);

function altered(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(part, at);
  return copy;
}

/** s negated, v flipped: the same signature, written the other way. */
function flipped(signature: Uint8Array): Uint8Array {
  const s = bytesOf(ORDER - numberOf(signature.subarray(32, 64)));
  const v = (signature[64] as number) ^ 1;
  return concatBytes(signature.subarray(0, 32), s, Uint8Array.of(v));
}

/** The memory behind a view, from its start: what is left when its offset is forgotten. */
function withoutOffset(view: Uint8Array): Uint8Array {
  return new Uint8Array(view.buffer, 0, view.length);
}

const scratch = new Uint8Array(32);
const remembered = new Map<string, Uint8Array>();

export const brokenProviders: readonly BrokenProvider[] = [
  {
    fault: 'keccak256 pads as SHA3-256 does',
    provider: withFault({ keccak256: (...parts) => sha3_256(concatBytes(...parts)) }),
    noticedBy: /^keccak256/,
    showsInResults: true,
  },
  {
    fault: 'keccak256 hashes its first part only',
    provider: withFault({ keccak256: (first = new Uint8Array()) => sound.keccak256(first) }),
    noticedBy: /parts are what they are when joined/,
    showsInResults: true,
  },
  {
    fault: 'hmacSha256 refuses an empty key with an error of its library',
    provider: withFault({
      hmacSha256: (key, ...parts) => {
        if (key.length === 0) throw new RangeError('key too short');
        return sound.hmacSha256(key, ...parts);
      },
    }),
    noticedBy: /^hmacSha256: empty key/,
    showsInResults: true,
  },
  {
    fault: 'sha256 gives a part of a buffer that it uses again',
    provider: withFault({
      sha256: (...parts) => {
        scratch.set(sound.sha256(...parts));
        return scratch;
      },
    }),
    noticedBy: /^sha256: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'sha256 gives Buffers',
    provider: withFault({ sha256: (...parts) => Buffer.from(sound.sha256(...parts)) }),
    noticedBy: /^sha256: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'hkdfSha256 swaps salt and info',
    provider: withFault({
      hkdfSha256: (input) => sound.hkdfSha256({ ...input, salt: input.info, info: input.salt }),
    }),
    noticedBy: /^hkdfSha256: RFC 5869/,
    showsInResults: true,
  },
  {
    fault: 'hkdfSha256 takes a length of zero',
    provider: withFault({
      hkdfSha256: (input) => (input.length === 0 ? new Uint8Array() : sound.hkdfSha256(input)),
    }),
    noticedBy: /^hkdfSha256: lengths outside/,
    showsInResults: true,
  },
  {
    fault: 'pbkdf2Sha256 does one round too many',
    provider: withFault({
      pbkdf2Sha256: (input) => sound.pbkdf2Sha256({ ...input, iterations: input.iterations + 1 }),
    }),
    noticedBy: /^pbkdf2Sha256: one round/,
    showsInResults: true,
  },
  {
    fault: 'pbkdf2Sha256 hands out what it remembers',
    provider: withFault({
      pbkdf2Sha256: (input) => {
        const name = `${encodeHex(input.password)}/${encodeHex(input.salt)}/${input.iterations}/${input.length}`;
        const key = remembered.get(name) ?? sound.pbkdf2Sha256(input);
        remembered.set(name, key);
        return key;
      },
    }),
    noticedBy: /^pbkdf2Sha256: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'aesCtr takes keys of 24 bytes',
    provider: withFault({
      aesCtr: (key, iv, data) => sound.aesCtr(key.length === 24 ? key.subarray(0, 16) : key, iv, data),
    }),
    noticedBy: /^aesCtr: keys and ivs/,
    showsInResults: true,
  },
  {
    fault: 'aesCtr counts with 32 bits, as GCM does',
    provider: withFault({
      aesCtr: (key, iv, data) => {
        const [counter, output] = [Uint8Array.from(iv), Uint8Array.from(data)];
        const view = new DataView(counter.buffer);
        for (let at = 0; at < data.length; at += 16) {
          output.set(sound.aesCtr(key, counter, data.subarray(at, at + 16)), at);
          view.setUint32(12, (view.getUint32(12) + 1) >>> 0);
        }
        return output;
      },
    }),
    noticedBy: /^aesCtr: the counter has 128 bits/,
    showsInResults: false,
  },
  {
    fault: 'aesCtr forgets the offset of its data',
    provider: withFault({ aesCtr: (key, iv, data) => sound.aesCtr(key, iv, withoutOffset(data)) }),
    noticedBy: /^aesCtr: leaves its inputs/,
    showsInResults: false,
  },
  {
    fault: 'aesCtr encrypts in place',
    provider: withFault({
      aesCtr: (key, iv, data) => {
        data.set(sound.aesCtr(key, iv, data));
        return data;
      },
    }),
    noticedBy: /^aesCtr: (leaves its inputs|gives fresh)/,
    showsInResults: false,
  },
  {
    fault: 'sealAes256Gcm wipes the key',
    provider: withFault({
      sealAes256Gcm: (key, ...rest) => {
        const sealed = sound.sealAes256Gcm(key, ...rest);
        key.fill(0);
        return sealed;
      },
    }),
    noticedBy: /^sealAes256Gcm: leaves its inputs/,
    showsInResults: false,
  },
  {
    fault: 'openAes256Gcm checks fifteen bytes of the tag',
    provider: withFault({
      openAes256Gcm: (key, nonce, sealed, associatedData) => {
        if (key.length !== 32 || nonce.length !== 12 || sealed.length < 16) {
          return sound.openAes256Gcm(key, nonce, sealed, associatedData);
        }
        const counter = concatBytes(nonce, Uint8Array.of(0, 0, 0, 2));
        const plaintext = sound.aesCtr(key, counter, sealed.subarray(0, -16));
        const again = sound.sealAes256Gcm(key, nonce, plaintext, associatedData);
        const guess = altered(sealed, sealed.length - 1, again.subarray(-1));
        return sound.openAes256Gcm(key, nonce, guess, associatedData);
      },
    }),
    noticedBy: /^openAes256Gcm: every bit of ciphertext and tag/,
    showsInResults: true,
  },
  {
    fault: 'openAes256Gcm leaves associated data out',
    provider: withFault({
      sealAes256Gcm: (key, nonce, plaintext) => sound.sealAes256Gcm(key, nonce, plaintext),
      openAes256Gcm: (key, nonce, sealed) => sound.openAes256Gcm(key, nonce, sealed),
    }),
    noticedBy: /test cases 13 to 16/,
    showsInResults: true,
  },
  {
    fault: 'openAes256Gcm gives the error of its library',
    provider: withFault({
      openAes256Gcm: (...inputs) => {
        try {
          return sound.openAes256Gcm(...inputs);
        } catch {
          throw new Error('Unsupported state or unable to authenticate data');
        }
      },
    }),
    noticedBy: /^openAes256Gcm: every bit/,
    showsInResults: true,
  },
  {
    fault: 'openAes256Gcm calls a short text a wrong length',
    provider: withFault({
      openAes256Gcm: (key, nonce, sealed, associatedData) => {
        if (sealed.length < 16) {
          throw new SottoError('INVALID_LENGTH', 'Too short.', {
            what: 'sealed',
            expected: 'at least 16',
            actual: sealed.length,
          });
        }
        return sound.openAes256Gcm(key, nonce, sealed, associatedData);
      },
    }),
    noticedBy: /^openAes256Gcm: whatever was cut short/,
    showsInResults: true,
  },
  {
    fault: 'equalBytes compares as far as the shorter goes',
    provider: withFault({
      equalBytes: (a, b) => {
        const length = Math.min(a.length, b.length);
        return sound.equalBytes(a.subarray(0, length), b.subarray(0, length));
      },
    }),
    noticedBy: /^equalBytes/,
    showsInResults: true,
  },
  {
    fault: 'randomBytes gives the same each time',
    provider: withFault({ randomBytes: (length) => sound.randomBytes(length).fill(4) }),
    noticedBy: /^randomBytes/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.keyPairFromPrivateKey keeps the array of the caller',
    provider: withSecp256k1({
      keyPairFromPrivateKey: (privateKey) =>
        new KeyPair(
          sound.secp256k1.keyPairFromPrivateKey(privateKey).publicKey,
          privateKey as KeyPair['privateKey'],
        ),
    }),
    noticedBy: /^secp256k1.keyPairFromPrivateKey: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.keyPairFromPrivateKey copies with slice, which on a Buffer is a view',
    provider: withSecp256k1({
      keyPairFromPrivateKey: (privateKey) =>
        new KeyPair(
          sound.secp256k1.keyPairFromPrivateKey(privateKey).publicKey,
          privateKey.slice() as KeyPair['privateKey'],
        ),
    }),
    noticedBy: /^secp256k1.keyPairFromPrivateKey: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.keyPairFromPrivateKey reduces what is not below the order',
    provider: withSecp256k1({
      keyPairFromPrivateKey: (privateKey) => {
        const large = privateKey.length === 32 && numberOf(privateKey) > ORDER;
        const scalar = large ? bytesOf(numberOf(privateKey) - ORDER) : privateKey;
        return sound.secp256k1.keyPairFromPrivateKey(scalar);
      },
    }),
    noticedBy: /scalars outside/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1 key pairs print their private keys',
    provider: withSecp256k1({
      keyPairFromPrivateKey: (privateKey) =>
        ({ ...sound.secp256k1.keyPairFromPrivateKey(privateKey) }) as unknown as KeyPair,
    }),
    noticedBy: /prints redacted/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.generateKeyPair gives the same pair each time',
    provider: withSecp256k1({
      generateKeyPair: () => sound.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)),
    }),
    noticedBy: /^secp256k1.generateKeyPair/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.parsePublicKey reduces an x not below the prime',
    provider: withSecp256k1({
      parsePublicKey: (bytes) => {
        const x = bytes.length === 33 ? numberOf(bytes.subarray(1)) : 0n;
        return sound.secp256k1.parsePublicKey(x > PRIME ? altered(bytes, 1, bytesOf(x - PRIME)) : bytes);
      },
    }),
    noticedBy: /x = the field prime \+ 1/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.parsePublicKey takes the hybrid form, as OpenSSL does',
    provider: withSecp256k1({
      parsePublicKey: (bytes) => {
        const hybrid = bytes.length === 65 && (bytes[0] === 6 || bytes[0] === 7);
        return sound.secp256k1.parsePublicKey(hybrid ? altered(bytes, 0, Uint8Array.of(4)) : bytes);
      },
    }),
    noticedBy: /hybrid form/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.parsePublicKey checks the prefix, and not the curve',
    provider: withSecp256k1({
      parsePublicKey: (bytes) =>
        bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3)
          ? (Uint8Array.from(bytes) as PublicKey)
          : sound.secp256k1.parsePublicKey(bytes),
    }),
    noticedBy: /x of no point/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.parsePublicKey gives back what it got',
    provider: withSecp256k1({
      parsePublicKey: (bytes) => {
        const parsed = sound.secp256k1.parsePublicKey(bytes);
        return bytes.length === 33 ? (bytes as PublicKey) : parsed;
      },
    }),
    noticedBy: /^secp256k1.parsePublicKey: gives fresh/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.ecdh drops leading zero bytes',
    provider: withSecp256k1({
      ecdh: (privateKey, publicKey) => {
        const x = sound.secp256k1.ecdh(privateKey, publicKey);
        return x.subarray(x.findIndex((byte) => byte !== 0));
      },
    }),
    noticedBy: /eleven leading zero bytes/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.ecdh hashes the point, as libsecp256k1 does unless told otherwise',
    provider: withSecp256k1({
      ecdh: (privateKey, publicKey) => sound.sha256(sound.secp256k1.ecdh(privateKey, publicKey)),
    }),
    noticedBy: /^secp256k1.ecdh: a known answer/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.ecdh does not see a point off the curve',
    provider: withSecp256k1({
      ecdh: (privateKey, publicKey) => {
        try {
          return sound.secp256k1.ecdh(privateKey, publicKey);
        } catch (error) {
          if (!isSottoError(error, 'INVALID_PUBLIC_KEY')) throw error;
          return new Uint8Array(32);
        }
      },
    }),
    noticedBy: /refused as a public key: y of another point/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.ecdh looks at the public key first',
    provider: withSecp256k1({
      ecdh: (privateKey, publicKey) =>
        sound.secp256k1.ecdh(privateKey, sound.secp256k1.parsePublicKey(publicKey)),
    }),
    noticedBy: /the private key is checked before/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.signRecoverable hashes the digest again',
    provider: withSecp256k1({
      signRecoverable: (digest, privateKey) =>
        sound.secp256k1.signRecoverable(digest.length === 32 ? sound.sha256(digest) : digest, privateKey),
    }),
    noticedBy: /^secp256k1.signRecoverable: RFC 6979/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.signRecoverable mixes randomness in',
    provider: withSecp256k1({
      signRecoverable: (digest, privateKey) => {
        sound.secp256k1.signRecoverable(digest, privateKey);
        const [v, ...rs] = curve.sign(digest, privateKey, {
          prehash: false,
          format: 'recovered',
          extraEntropy: true,
        });
        return Uint8Array.of(...rs, v as number) as Signature;
      },
    }),
    noticedBy: /^secp256k1.signRecoverable: RFC 6979/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.signRecoverable puts v first',
    provider: withSecp256k1({
      signRecoverable: (digest, privateKey) => {
        const signature = sound.secp256k1.signRecoverable(digest, privateKey);
        return concatBytes(signature.subarray(64), signature.subarray(0, 64)) as Signature;
      },
    }),
    noticedBy: /^secp256k1.signRecoverable: RFC 6979/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.signRecoverable gives a high s, half of the time',
    provider: withSecp256k1({
      signRecoverable: (digest, privateKey) => {
        const signature = sound.secp256k1.signRecoverable(digest, privateKey);
        return ((digest[0] as number) & 1 ? flipped(signature) : signature) as Signature;
      },
    }),
    noticedBy: /^secp256k1.signRecoverable: low s/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.recoverPublicKey takes a high s',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature) => {
        const s = signature.length === 65 ? numberOf(signature.subarray(32, 64)) : 0n;
        const low = s > ORDER / 2n && s < ORDER ? flipped(signature) : signature;
        return sound.secp256k1.recoverPublicKey(digest, low);
      },
    }),
    noticedBy: /a high s is refused/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.recoverPublicKey reads one bit of v',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature) => {
        const v = signature[64] ?? 0;
        const read = v > 28 ? altered(signature, 64, Uint8Array.of(v & 1)) : signature;
        return sound.secp256k1.recoverPublicKey(digest, read);
      },
    }),
    noticedBy: /every other v is refused/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.recoverPublicKey refuses 27 and 28',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature) => {
        const v = signature[64] ?? 0;
        const read = v > 26 ? altered(signature, 64, Uint8Array.of(255)) : signature;
        return sound.secp256k1.recoverPublicKey(digest, read);
      },
    }),
    noticedBy: /known answer, v of 1 or 28/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.recoverPublicKey believes what is expected',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature, expected) => {
        const signer = sound.secp256k1.recoverPublicKey(digest, signature);
        return expected?.length === 33 ? (Uint8Array.from(expected) as PublicKey) : signer;
      },
    }),
    noticedBy: /whoever is expected/,
    showsInResults: true,
  },
  {
    fault: 'secp256k1.recoverPublicKey ignores v when it verifies the key expected',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature, expected) => {
        const signer = sound.secp256k1.recoverPublicKey(digest, signature);
        const rs = signature.subarray(0, 64);
        return expected && curve.verify(rs, digest, expected, { prehash: false })
          ? (encodedPoint(expected) as PublicKey)
          : signer;
      },
    }),
    noticedBy: /whoever is expected/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.recoverPublicKey returns the very bytes expected',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature, expected) => {
        const signer = sound.secp256k1.recoverPublicKey(digest, signature);
        return expected && sound.equalBytes(signer, expected) ? (expected as PublicKey) : signer;
      },
    }),
    noticedBy: /whoever is expected/,
    showsInResults: false,
  },
  {
    fault: 'secp256k1.recoverPublicKey takes a high s of whom is expected',
    provider: withSecp256k1({
      recoverPublicKey: (digest, signature, expected) =>
        expected && curve.verify(signature.subarray(0, 64), digest, expected, { prehash: false, lowS: false })
          ? (encodedPoint(expected) as PublicKey)
          : sound.secp256k1.recoverPublicKey(digest, signature),
    }),
    noticedBy: /however often the signer was met/,
    showsInResults: false,
  },
  {
    fault: 'x25519.ecdh gives zeros for a point of small order',
    provider: withX25519({
      ecdh: (privateKey, publicKey) => {
        try {
          return sound.x25519.ecdh(privateKey, publicKey);
        } catch (error) {
          if (!isSottoError(error, 'INVALID_PUBLIC_KEY')) throw error;
          return new Uint8Array(32);
        }
      },
    }),
    noticedBy: /^x25519.ecdh: refused for its small order/,
    showsInResults: true,
  },
  {
    fault: 'x25519.ecdh refuses a u not below the prime',
    provider: withX25519({
      ecdh: (privateKey, publicKey) => {
        const reduced = (publicKey[0] as number) < 0xed || publicKey[1] !== 0xff;
        return sound.x25519.ecdh(privateKey, reduced ? publicKey : new Uint8Array(32));
      },
    }),
    noticedBy: /a u not below the field prime/,
    showsInResults: true,
  },
  {
    fault: 'x25519.keyPairFromPrivateKey stores the clamped key',
    provider: withX25519({
      keyPairFromPrivateKey: (privateKey) => {
        const clamped = Uint8Array.from(privateKey);
        clamped[0] = (clamped[0] as number) & 0xf8;
        clamped[31] = ((clamped[31] as number) & 0x7f) | 0x40;
        return sound.x25519.keyPairFromPrivateKey(clamped);
      },
    }),
    noticedBy: /kept without clamping/,
    showsInResults: true,
  },
  {
    fault: 'x25519 key pairs print their private keys',
    provider: withX25519({
      keyPairFromPrivateKey: (privateKey) =>
        ({ ...sound.x25519.keyPairFromPrivateKey(privateKey) }) as unknown as X25519KeyPair,
    }),
    noticedBy: /^x25519.*prints redacted/,
    showsInResults: false,
  },
  {
    fault: 'sha256 takes whatever has bytes',
    provider: withFault({
      sha256: (...parts) => sound.sha256(...parts.map((part) => Uint8Array.from(part))),
    }),
    noticedBy: /^sha256: what is not/,
    showsInResults: false,
  },
];
