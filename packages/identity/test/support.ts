import { inspect } from 'node:util';
import { type ErrorCode, isSottoError, type SottoError } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import type { Bundle, SignedPreKey } from '@sotto/protocol-codec';
import fc from 'fast-check';
import { expect } from 'vitest';

export const crypto = createPortableProvider();

/** The error that `run` throws, which must have the code. */
export function thrown<C extends ErrorCode>(code: C, run: () => unknown): SottoError<C> {
  try {
    run();
  } catch (error) {
    if (isSottoError(error, code)) return error;
    throw error;
  }
  return expect.unreachable(`nothing thrown instead of ${code}`);
}

/** Everything that an error, or a thing that is logged, shows of itself. */
export function shown(thing: unknown): string {
  const error =
    thing instanceof Error ? `${thing.message} ${thing.stack} ${JSON.stringify({ ...thing })}` : '';
  return `${String(thing)} ${JSON.stringify(thing)} ${inspect(thing, { depth: 10, showHidden: true })} ${error}`;
}

/** Key pairs of any 32 bytes that are a scalar. */
export const keyPairs = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => bytes[0] !== 0xff && bytes.some((byte) => byte !== 0))
  .map((bytes) => crypto.secp256k1.keyPairFromPrivateKey(bytes));

/** A bundle of the deployed client's shape: installation ids are UUIDs, the signature is any 65 bytes. */
export function bundleOf(identity: Uint8Array, devices = 1): Bundle {
  const entries = Array.from({ length: devices }, (_, i): [string, SignedPreKey] => [
    `00000000-0000-4000-8000-00000000000${i}`,
    {
      signedPreKey: crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(i + 1)).publicKey,
      version: 3,
      protocolVersion: 1,
    },
  ]);
  return {
    identity,
    signedPreKeys: new Map(entries),
    signature: new Uint8Array(65).fill(0x5a),
    timestamp: 1_700_000_000_000_000_123n,
  };
}
