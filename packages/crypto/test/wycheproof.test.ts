import { readFileSync } from 'node:fs';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes, decodeBase64, decodeHex, encodeHex, isSottoError } from '@sotto/core';
import { describe, expect, test } from 'vitest';
import { createPortableProvider, type X25519Provider } from '../src/index.js';
import { createAcceleratedProvider } from '../src/node/accelerated.js';
import { SignerTables } from '../src/portable/signer-tables.js';
import { loadWebAssemblyProvider } from '../src/webassembly.js';

type Verdict = 'valid' | 'invalid' | 'acceptable';

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: Verdict;
}

interface Group<T> {
  readonly tests: readonly (T & Case)[];
}

function groups<T, G = object>(name: string): readonly (Group<T> & G)[] {
  const url = new URL(`./wycheproof/${name}_test.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { testGroups: readonly (Group<T> & G)[] }).testGroups;
}

/**
 * Plays cases. What is valid has to be accepted with the right result, what is invalid refused with a `SottoError`; what is
 * acceptable may be either, but not accepted with another result.
 * @param play returns whether the result is the right one; `undefined` for a case that our interface can't express
 */
function playAll<T>(list: readonly Group<T>[], play: (one: T & Case) => boolean | undefined): number {
  const wrong: string[] = [];
  let played = 0;
  for (const one of list.flatMap(({ tests }) => tests)) {
    const outcome = outcomeOf(() => play(one));
    if (outcome === undefined) continue;
    played++;
    const isRight =
      one.result === 'valid'
        ? outcome === 'right'
        : one.result === 'invalid'
          ? outcome !== 'right'
          : outcome !== 'wrong';
    if (!isRight) wrong.push(`${one.tcId} (${one.result}, ${one.flags}): ${outcome}. ${one.comment}`);
  }
  expect(wrong).toEqual([]);
  return played;
}

function outcomeOf(play: () => boolean | undefined): 'right' | 'wrong' | 'refused' | undefined {
  try {
    const isRight = play();
    return isRight === undefined ? undefined : isRight ? 'right' : 'wrong';
  } catch (error) {
    if (!isSottoError(error)) throw error;
    return 'refused';
  }
}

const providers: readonly X25519Provider[] = [
  createPortableProvider(),
  createAcceleratedProvider(),
  await loadWebAssemblyProvider(),
];

describe.each(providers.map((provider) => [provider.name, provider] as const))('%s', (_, crypto) => {
  test('secp256k1 ECDH, keys in DER', () => {
    const played = playAll(
      groups<{ public: string; private: string; shared: string }>('ecdh_secp256k1'),
      (one) => {
        const point = pointOfDer(one.public);
        if (point === undefined) return undefined;
        const shared = crypto.secp256k1.ecdh(scalarOf(one.private), crypto.secp256k1.parsePublicKey(point));
        return encodeHex(shared) === one.shared;
      },
    );
    expect(played).toBeGreaterThan(400);
  });

  test('secp256k1 ECDH, keys as coordinates', () => {
    type Jwk = { readonly crv: string; readonly x: string; readonly y: string; readonly d?: string };
    const played = playAll(
      groups<{ public: Jwk; private: Jwk; shared: string }>('ecdh_secp256k1_webcrypto'),
      (one) => {
        const [x, y, d] = [one.public.x, one.public.y, one.private.d].map(coordinate);
        if (one.public.crv !== 'P-256K' || x === undefined || y === undefined || d === undefined)
          return undefined;
        const key = crypto.secp256k1.parsePublicKey(concatBytes(Uint8Array.of(4), x, y));
        return encodeHex(crypto.secp256k1.ecdh(d, key)) === one.shared;
      },
    );
    expect(played).toBeGreaterThan(400);
  });

  test.each(['ecdsa_secp256k1_sha256_p1363', 'ecdsa_secp256k1_sha256_bitcoin'])(
    '%s, by recovering the key',
    (name) => {
      let played = 0;
      const all = groups<{ msg: string; sig: string }, { publicKey: { uncompressed: string } }>(name);
      for (const group of all) {
        const key = encodeHex(crypto.secp256k1.parsePublicKey(decodeHex(group.publicKey.uncompressed)));
        played += playAll([group], (one) => {
          const rs = name.endsWith('p1363') ? decodeHex(one.sig) : rsOfDer(one.sig);
          if (rs?.length !== 64) return undefined;
          // Recovery ids 2 and 3 are refused: no signer meets an x beyond the order, of which there are 2^-127 of all.
          if (one.comment === 'k*G has a large x-coordinate') return undefined;
          // Only the lower of two values of s is accepted: the other is refused although ECDSA would have it.
          if (one.result === 'valid' && isHigh(rs.subarray(32))) return undefined;
          const digest = crypto.sha256(decodeHex(one.msg));
          return [0, 1].some((bit) => recovers(crypto, digest, concatBytes(rs, Uint8Array.of(bit)), key));
        });
      }
      expect(played).toBeGreaterThan(100);
    },
  );

  test('X25519', () => {
    const played = playAll(groups<{ public: string; private: string; shared: string }>('x25519'), (one) => {
      const shared = encodeHex(crypto.x25519.ecdh(decodeHex(one.private), decodeHex(one.public)));
      // The set leaves points of small order to the library; here they have to be refused.
      return shared === one.shared && !/^0*$/.test(shared);
    });
    expect(played).toBe(518);
  });

  test('AES-256-GCM', () => {
    type Aead = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
    const played = playAll(
      groups<Aead, { keySize: number; ivSize: number }>('aes_gcm').filter(
        ({ keySize, ivSize }) => keySize === 256 && ivSize === 96,
      ),
      (one) => {
        const [key, nonce, aad] = [one.key, one.iv, one.aad].map(decodeHex) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ];
        const opened = crypto.openAes256Gcm(key, nonce, decodeHex(one.ct + one.tag), aad);
        // Accepted, whatever came out.
        if (one.result === 'invalid') return true;
        const sealed = crypto.sealAes256Gcm(key, nonce, decodeHex(one.msg), aad);
        return encodeHex(opened) === one.msg && encodeHex(sealed) === one.ct + one.tag;
      },
    );
    expect(played).toBeGreaterThan(60);
  });

  test('HMAC-SHA-256', () => {
    const played = playAll(groups<{ key: string; msg: string; tag: string }>('hmac_sha256'), (one) => {
      const tag = encodeHex(crypto.hmacSha256(decodeHex(one.key), decodeHex(one.msg)));
      return tag.startsWith(one.tag);
    });
    expect(played).toBe(174);
  });

  test('HKDF-SHA-256', () => {
    type Hkdf = { ikm: string; salt: string; info: string; size: number; okm: string };
    const played = playAll(groups<Hkdf>('hkdf_sha256'), (one) => {
      const [inputKey, salt, info] = [one.ikm, one.salt, one.info].map(decodeHex) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      return encodeHex(crypto.hkdfSha256({ inputKey, salt, info, length: one.size })) === one.okm;
    });
    expect(played).toBe(86);
  });
});

test('ECDSA, on tables of the signers: what recovering gives', () => {
  const crypto = createPortableProvider();
  const tables = new SignerTables({ signatures: 1, unused: 0 });
  const seen = { verified: 0, refused: 0 };
  for (const group of groups<{ msg: string; sig: string }, { publicKey: { uncompressed: string } }>(
    'ecdsa_secp256k1_sha256_p1363',
  )) {
    const key = crypto.secp256k1.parsePublicKey(decodeHex(group.publicKey.uncompressed));
    tables.countRecovered(key);
    expect(tables.has(key)).toBe(true);
    for (const one of group.tests) {
      const rs = decodeHex(one.sig);
      if (rs.length !== 64) continue;
      const digest = crypto.sha256(decodeHex(one.msg));
      for (const bit of [0, 1]) {
        const recovered = recovers(crypto, digest, concatBytes(rs, Uint8Array.of(bit)), encodeHex(key));
        expect(tables.verify(digest, concatBytes(Uint8Array.of(bit), rs), key), one.comment).toBe(recovered);
        seen[recovered ? 'verified' : 'refused']++;
      }
    }
  }
  expect(seen.verified).toBeGreaterThan(50);
  expect(seen.refused).toBeGreaterThan(100);
});

test('XChaCha20-Poly1305, as encrypted stores use it', () => {
  type Aead = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
  const wrong: number[] = [];
  for (const one of groups<Aead>('xchacha20_poly1305').flatMap(({ tests }) => tests)) {
    const [key, nonce, aad] = [one.key, one.iv, one.aad].map(decodeHex) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    let opened: string | undefined;
    try {
      opened = encodeHex(xchacha20poly1305(key, nonce, aad).decrypt(decodeHex(one.ct + one.tag)));
    } catch {
      opened = undefined;
    }
    if ((opened === one.msg) !== (one.result === 'valid')) wrong.push(one.tcId);
  }
  expect(wrong).toEqual([]);
});

function recovers(crypto: X25519Provider, digest: Uint8Array, signature: Uint8Array, key: string): boolean {
  try {
    return encodeHex(crypto.secp256k1.recoverPublicKey(digest, signature)) === key;
  } catch (error) {
    if (isSottoError(error)) return false;
    throw error;
  }
}

/** SubjectPublicKeyInfo of a named curve; `undefined` for any other encoding, which is not ours to decode. */
function pointOfDer(der: string): Uint8Array | undefined {
  const found =
    /^30(?:56301006072a8648ce3d020106052b8104000a034200(04.{128})|36301006072a8648ce3d020106052b8104000a032200(0[23].{64}))$/.exec(
      der,
    );
  const point = found?.[1] ?? found?.[2];
  return point === undefined ? undefined : decodeHex(point);
}

/** An integer of ASN.1 as 32 bytes. */
function scalarOf(hex: string): Uint8Array {
  return decodeHex(hex.replace(/^(00)+/, '').padStart(64, '0'));
}

/** r and s of a signature in strict DER; `undefined` where it isn't one of two positive integers of at most 32 bytes. */
function rsOfDer(der: string): Uint8Array | undefined {
  const bytes = decodeHex(der);
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return undefined;
  const parts: Uint8Array[] = [];
  for (let at = 2; at < bytes.length; ) {
    const length = bytes[at + 1];
    if (bytes[at] !== 2 || length === undefined || length === 0 || at + 2 + length > bytes.length)
      return undefined;
    const integer = bytes.subarray(at + 2, at + 2 + length);
    const isMinimal = integer.length === 1 || integer[0] !== 0 || (integer[1] as number) >= 0x80;
    if ((integer[0] as number) >= 0x80 || !isMinimal || integer.length > 33) return undefined;
    parts.push(scalarOf(encodeHex(integer)));
    at += 2 + length;
  }
  return parts.length === 2 ? concatBytes(...parts) : undefined;
}

function isHigh(s: Uint8Array): boolean {
  return encodeHex(s) > '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0';
}

function coordinate(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  try {
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='));
    return bytes.length === 32 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
