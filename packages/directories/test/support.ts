import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type BundleCandidate,
  type BundleDirectory,
  encodeHex,
  isSottoError,
  type KeyPair,
  type PublicKey,
} from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { encodeBundle } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { onTestFinished } from 'vitest';

export const crypto = createPortableProvider();
export const NOW = manualClock().now();
export const HOUR = 60 * 60_000;

export const newIdentity = (): KeyPair => crypto.secp256k1.generateKeyPair();

/** The Bundle message of an identity with one device, signed `milliseconds` since the epoch. */
export function bundleOf(identity: KeyPair, milliseconds = NOW, version = 1): Uint8Array {
  const signedPreKey = crypto.secp256k1.generateKeyPair().publicKey;
  return encodeBundle(
    signBundle(crypto, identity, {
      signedPreKeys: new Map([
        ['7f0d7b8e-3d2c-4a5e-9b1f-0a1b2c3d4e5f', { signedPreKey, version, protocolVersion: 1 }],
      ]),
      timestamp: bundleTimestamp(milliseconds),
    }),
  );
}

/** The same bundle for the same identity and sequence. */
export function bundleMaker(): (identity: KeyPair, sequence: bigint) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (identity, sequence) => {
    const key = `${encodeHex(identity.publicKey)} ${sequence}`;
    const bundle = made.get(key) ?? bundleOf(identity, Number(sequence / 1_000_000n));
    made.set(key, bundle);
    return new Uint8Array(bundle);
  };
}

/** A directory that answers what a test wants. */
export function scriptedDirectory(
  name: string,
  find: (identity: PublicKey, signal: AbortSignal | undefined) => Promise<readonly BundleCandidate[]>,
  rest: Partial<BundleDirectory> = {},
): BundleDirectory {
  return {
    name,
    capabilities: { publishing: 'none', updatedBy: 'operator', maxBundleBytes: 4096 },
    find: (identity, options) => find(identity, options?.signal),
    ...rest,
  };
}

/** A server on loopback for the running test. @returns its URL */
export async function startServer(
  answer: (request: IncomingMessage & { readonly content: Uint8Array }, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on('data', (part: Uint8Array) => parts.push(part));
    request.on('end', () => {
      answer(Object.assign(request, { content: new Uint8Array(Buffer.concat(parts)) }), response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    if (isSottoError(error)) return error.code;
    throw error;
  }
}
