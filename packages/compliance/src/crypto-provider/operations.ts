import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import type { CryptoProvider, X25519Provider } from '@sotto/core';
import { concatBytes, copyBytes, HKDF_MAX_LENGTH, PBKDF2_MAX_ITERATIONS } from '@sotto/core';
import { hex } from '../support/expectations.js';
import { repeated, withBitFlipped } from './bytes.js';
import type { Draw } from './draw.js';
import {
  BASE_NOT_REDUCED,
  G_X,
  HALF_ORDER,
  HALF_ORDER_PLUS_1,
  invalidPublicKeys,
  invalidScalars,
  ONE,
  ORDER,
  ORDER_MINUS_1,
  smallOrderPoints,
  X_OF_NO_POINT,
} from './hostile-inputs.js';

/** An operation of a provider, as a function from drawn inputs to bytes. */
export interface Operation<Provider extends CryptoProvider = X25519Provider> {
  readonly name: string;
  /** Inputs that the operation is made for; it accepts them. */
  usual(draw: Draw): readonly unknown[];
  /** Inputs some of which are at their limits or beyond. */
  hostile(draw: Draw): readonly unknown[];
  run(provider: Provider, inputs: readonly unknown[]): readonly Uint8Array[];
}

/** How to draw one input. */
export interface Parameter<T> {
  usual(draw: Draw): T;
  hostile(draw: Draw): T;
}

/** What makes operations of a kind of provider. */
export function operationOf<Provider extends CryptoProvider>() {
  return <Inputs extends readonly unknown[]>(
    name: string,
    parameters: { readonly [Index in keyof Inputs]: Parameter<Inputs[Index]> },
    run: (provider: Provider, ...inputs: Inputs) => readonly Uint8Array[],
  ): Operation<Provider> => {
    const list: readonly Parameter<unknown>[] = parameters;
    return {
      name,
      usual: (draw) => list.map((parameter) => parameter.usual(draw)),
      hostile: (draw) =>
        list.map((parameter) => (draw.integer(2) === 0 ? parameter.usual(draw) : parameter.hostile(draw))),
      run: (provider, inputs) => run(provider, ...(inputs as unknown as Inputs)),
    };
  };
}

const operation = operationOf<X25519Provider>();

export function operations(): readonly Operation[] {
  return [
    operation('secp256k1.keyPairFromPrivateKey', [scalar], ({ secp256k1 }, privateKey) => {
      const pair = secp256k1.keyPairFromPrivateKey(privateKey);
      return [pair.publicKey, pair.privateKey];
    }),
    operation('secp256k1.parsePublicKey', [point], ({ secp256k1 }, publicKey) => [
      secp256k1.parsePublicKey(publicKey),
    ]),
    operation('secp256k1.uncompressPublicKey', [point], ({ secp256k1 }, publicKey) => [
      secp256k1.uncompressPublicKey(publicKey),
    ]),
    operation('secp256k1.ecdh', [scalar, point], ({ secp256k1 }, privateKey, publicKey) => [
      secp256k1.ecdh(privateKey, publicKey),
    ]),
    operation('secp256k1.signRecoverable', [digest, scalar], ({ secp256k1 }, hash, privateKey) => [
      secp256k1.signRecoverable(hash, privateKey),
    ]),
    operation('secp256k1.recoverPublicKey', [digest, signature], ({ secp256k1 }, hash, signed) => {
      const signer = secp256k1.recoverPublicKey(hash, signed);
      const others = [signer, hex(`02${G_X}`)].map((one) => secp256k1.recoverPublicKey(hash, signed, one));
      return [signer, ...others];
    }),
    operation('x25519.keyPairFromPrivateKey', [ofLength(32)], ({ x25519 }, privateKey) => {
      const pair = x25519.keyPairFromPrivateKey(privateKey);
      return [pair.publicKey, pair.privateKey];
    }),
    operation('x25519.ecdh', [ofLength(32), coordinate], ({ x25519 }, privateKey, publicKey) => [
      x25519.ecdh(privateKey, publicKey),
    ]),
    operation('keccak256', [data, data], (provider, ...parts) => [provider.keccak256(...parts)]),
    operation('sha256', [data, data], (provider, ...parts) => [provider.sha256(...parts)]),
    operation('hmacSha256', [data, data, data], (provider, key, ...parts) => [
      provider.hmacSha256(key, ...parts),
    ]),
    operation('hkdfSha256', [data, data, data, length], (provider, inputKey, salt, info, size) => [
      provider.hkdfSha256({ inputKey, salt, info, length: size }),
    ]),
    operation('pbkdf2Sha256', [data, data, iterations, length], (provider, password, salt, rounds, size) => [
      provider.pbkdf2Sha256({ password, salt, iterations: rounds, length: size }),
    ]),
    operation('aesCtr', [ofLength(16, 32), ofLength(16), data], (provider, key, iv, bytes) => [
      provider.aesCtr(key, iv, bytes),
    ]),
    operation(
      'sealAes256Gcm',
      [ofLength(32), ofLength(12), data, data],
      (provider, key, nonce, bytes, aad) => [provider.sealAes256Gcm(key, nonce, bytes, aad)],
    ),
    operation('openAes256Gcm', [...sealedParameters()], (provider, key, nonce, sealed, aad) => [
      provider.openAes256Gcm(key, nonce, sealed, aad),
    ]),
    operation(
      'sealAes256Gcm, then openAes256Gcm',
      [ofLength(32), ofLength(12), data, data],
      (provider, key, nonce, bytes, aad) => [
        provider.openAes256Gcm(key, nonce, provider.sealAes256Gcm(key, nonce, bytes, aad), aad),
      ],
    ),
    operation('equalBytes', [data, data], (provider, a, b) => [
      Uint8Array.of(provider.equalBytes(a, b) ? 1 : 0),
      Uint8Array.of(provider.equalBytes(a, Uint8Array.from(a)) ? 1 : 0),
    ]),
  ];
}

const scalar: Parameter<Uint8Array> = {
  usual: (draw) => {
    const bytes = draw.bytes(32);
    // Below 2^255 and odd: a scalar whatever was drawn.
    bytes[0] = (bytes[0] as number) & 0x7f;
    bytes[31] = (bytes[31] as number) | 1;
    return bytes;
  },
  hostile: (draw) =>
    draw.pick([
      ...invalidScalars().map((input) => input.bytes),
      hex(ONE),
      hex(ORDER_MINUS_1),
      hex(HALF_ORDER_PLUS_1),
      draw.bytes(draw.integer(66)),
    ]),
};

const point: Parameter<Uint8Array> = {
  usual: (draw) => curve.getPublicKey(scalar.usual(draw), draw.integer(2) === 0),
  hostile: (draw) =>
    draw.pick([
      ...invalidPublicKeys().map((input) => input.bytes),
      // Half of all x belong to points.
      concatBytes(Uint8Array.of(2 + draw.integer(2)), draw.bytes(32)),
      withSomeBitFlipped(draw, point.usual(draw)),
      draw.bytes(draw.integer(70)),
    ]),
};

const digest: Parameter<Uint8Array> = {
  usual: (draw) => draw.bytes(32),
  hostile: (draw) =>
    draw.pick([new Uint8Array(32), hex(ORDER), repeated(0xff, 32), draw.bytes(draw.integer(66))]),
};

const signature: Parameter<Uint8Array> = {
  usual: (draw) => {
    const rs = curve.sign(draw.bytes(32), scalar.usual(draw), { prehash: false });
    return concatBytes(rs, Uint8Array.of(draw.pick([0, 1, 27, 28])));
  },
  hostile: (draw) => {
    const usual = signature.usual(draw);
    const withPart = (at: number, part: Uint8Array) => {
      const altered = Uint8Array.from(usual);
      altered.set(part, at);
      return altered;
    };
    return draw.pick([
      withSomeBitFlipped(draw, usual),
      withPart(64, draw.bytes(1)),
      withPart(0, draw.pick(invalidScalars()).bytes),
      withPart(32, draw.pick(invalidScalars()).bytes),
      withPart(0, hex(X_OF_NO_POINT)),
      withPart(32, hex(HALF_ORDER)),
      withPart(32, hex(HALF_ORDER_PLUS_1)),
      withPart(32, draw.bytes(32)),
      draw.bytes(draw.integer(70)),
    ]);
  },
};

const coordinate: Parameter<Uint8Array> = {
  // Never one of small order: those end in 00 and 57, or are all ones or zeros.
  usual: (draw) => concatBytes(draw.bytes(31), Uint8Array.of(0x2a)),
  hostile: (draw) =>
    draw.pick([
      ...smallOrderPoints().map((input) => input.bytes),
      hex(BASE_NOT_REDUCED),
      repeated(0xff, 32),
      draw.bytes(draw.integer(66)),
    ]),
};

const data: Parameter<Uint8Array> = {
  usual: (draw) => draw.bytes(1 + draw.integer(200)),
  // Around the ends of the blocks of AES, SHA-256 and KECCAK-256.
  hostile: (draw) =>
    draw.bytes(
      draw.pick([0, 1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 127, 128, 135, 136, 137, 4095, 4096]),
    ),
};

function ofLength(...lengths: readonly number[]): Parameter<Uint8Array> {
  return {
    usual: (draw) => draw.bytes(draw.pick(lengths)),
    hostile: (draw) => draw.bytes(draw.pick([0, 1, 8, 11, 12, 13, 15, 16, 17, 24, 31, 32, 33, 64])),
  };
}

const length: Parameter<number> = {
  usual: (draw) => 1 + draw.integer(200),
  hostile: (draw) =>
    draw.pick([-1, 0, 0.5, 1, HKDF_MAX_LENGTH, HKDF_MAX_LENGTH + 1, 2 ** 32, Number.NaN, Infinity]),
};

const iterations: Parameter<number> = {
  usual: (draw) => 1 + draw.integer(3),
  hostile: (draw) => draw.pick([-1, 0, 1.5, PBKDF2_MAX_ITERATIONS + 1, 2 ** 32, Number.NaN, Infinity]),
};

/** Key, nonce, sealed bytes and associated data that match: 16 zeros under a key of zeros. */
function sealedParameters() {
  const part = (bytes: Uint8Array): Parameter<Uint8Array> => ({
    usual: () => Uint8Array.from(bytes),
    hostile: (draw) =>
      draw.pick([
        ...(bytes.length > 0 ? [withSomeBitFlipped(draw, bytes)] : []),
        copyBytes(bytes.subarray(0, draw.integer(bytes.length + 1))),
        concatBytes(bytes, draw.bytes(1)),
        draw.bytes(draw.integer(80)),
      ]),
  });
  return [
    part(new Uint8Array(32)),
    part(new Uint8Array(12)),
    part(hex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919')),
    part(new Uint8Array()),
  ] as const;
}

function withSomeBitFlipped(draw: Draw, bytes: Uint8Array): Uint8Array {
  return withBitFlipped(bytes, draw.integer(bytes.length * 8));
}
