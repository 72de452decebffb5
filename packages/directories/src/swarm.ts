import {
  type BundleDirectory,
  copyBytes,
  encodeHex,
  encodeUtf8,
  invalidArgument,
  limitExceeded,
  type PublicKey,
  parseObject,
  SottoError,
  systemClock,
} from '@sotto/core';
import { type HttpOptions, HttpServer } from '@sotto/core/http';
import type { CryptoProvider } from '@sotto/crypto';
import { answerInvalid, directoryRefused, directoryUnavailable, httpErrors } from './errors.js';
import {
  addressOf,
  feedIdentifier,
  MAX_CHUNK_BYTES,
  MAX_PAYLOAD_BYTES,
  openChunk,
  ownedAddress,
  signChunk,
  spanAndPayload,
} from './swarm/chunks.js';

export type { Fetch, HttpOptions } from '@sotto/core/http';

/** What {@link createSwarmDirectory} needs. */
export interface SwarmDirectoryOptions extends HttpOptions {
  /** Signs and verifies chunks. */
  readonly crypto: CryptoProvider;
  /** A Bee node, or a gateway with its API: `http://127.0.0.1:1633`. Believed in nothing but which update is the latest. */
  readonly url: string;
  /**
   * Id of a batch of postage stamps that the owner has paid for, 32 bytes in hex: without it the directory only reads.
   * Each publication uses a stamp for one chunk.
   */
  readonly postageBatch?: string | undefined;
}

const DIRECTORY_NAME = 'swarm';
/** How far ahead of our clock a sequence may be, as a time, and still be believed: as for bundles. */
const MAX_AHEAD_NS = 10n * 60_000n * 1_000_000n;
/** Bytes of what a node says beside a chunk. */
const MAX_NOTE_BYTES = 64 * 1024;
/** Headers in which a node says how far a feed is: 8 bytes in hex, big-endian. */
const INDEX_HEADER = 'swarm-feed-index';

/**
 * A directory on Swarm: a sequence feed that belongs to the Ethereum address of the identity key, each update a single-owner
 * chunk with a bundle in it. Chunks are verified here, by address and signature; only which update is the latest is the
 * node's word, so that it can withhold the newest ones.
 * @throws INVALID_ARGUMENT for what is not a URL or not a batch
 */
export function createSwarmDirectory(options: SwarmDirectoryOptions): BundleDirectory {
  parseObject(options, 'options', 'crypto', 'url');
  const { crypto, url, postageBatch, clock = systemClock } = options;
  const server = new HttpServer(url, httpErrors(DIRECTORY_NAME), options);
  const topic = crypto.keccak256(encodeUtf8('sotto bundle v1'));
  if (postageBatch !== undefined && !/^[0-9a-f]{64}$/i.test(postageBatch)) {
    throw invalidArgument('postageBatch', 'not 32 bytes in hex');
  }

  /** Index of the latest update according to the node; `undefined` when there is none. */
  async function latestIndex(owner: string, signal: AbortSignal | undefined): Promise<bigint | undefined> {
    const answer = await server.request({
      method: 'GET',
      path: `/feeds/${owner}/${encodeHex(topic)}?type=sequence`,
      maxBytes: MAX_NOTE_BYTES,
      signal,
    });
    if (answer.status === 404) return undefined;
    checkStatus(answer.status);
    const index = answer.header(INDEX_HEADER);
    if (index === undefined || !/^[0-9a-f]{1,16}$/i.test(index)) {
      throw answerInvalid(DIRECTORY_NAME, `${server.host} does not say which update is the latest`);
    }
    return BigInt(`0x${index}`);
  }

  /** The bundle in an update, verified to be the owner's. */
  async function readUpdate(
    identity: PublicKey,
    index: bigint,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const identifier = feedIdentifier(crypto, topic, index);
    const address = encodeHex(ownedAddress(crypto, identifier, addressOf(crypto, identity)));
    const answer = await server.request({
      method: 'GET',
      path: `/chunks/${address}`,
      maxBytes: MAX_CHUNK_BYTES,
      signal,
    });
    checkStatus(answer.status);
    const payload = openChunk(crypto, answer.body, identity, identifier);
    if (typeof payload === 'string') throw answerInvalid(DIRECTORY_NAME, `${server.host} has ${payload}`);
    return payload;
  }

  function checkStatus(status: number): void {
    if (status >= 200 && status < 300) return;
    throw directoryUnavailable(DIRECTORY_NAME, `${server.host} answers with status ${status}`);
  }

  return {
    name: DIRECTORY_NAME,
    capabilities: {
      publishing: postageBatch === undefined ? 'none' : 'paid',
      updatedBy: 'identity-key',
      maxBundleBytes: MAX_PAYLOAD_BYTES - SEQUENCE_BYTES,
    },

    async find(given, { signal } = {}) {
      const identity = crypto.secp256k1.parsePublicKey(given);
      const index = await latestIndex(encodeHex(addressOf(crypto, identity)), signal);
      if (index === undefined) return [];
      const { bundle } = unwrap(await readUpdate(identity, index, signal));
      return [{ bundle, source: server.host }];
    },

    ...(postageBatch !== undefined && {
      async publish({ identity, bundle: given, sequence }, { signal } = {}) {
        const bundle = copyBytes(given, 'bundle');
        const limit = MAX_PAYLOAD_BYTES - SEQUENCE_BYTES;
        if (bundle.length > limit) throw limitExceeded('bundle, bytes', limit, bundle.length);
        const payload = wrap(sequence, bundle);
        const owner = encodeHex(addressOf(crypto, identity.publicKey));
        const latest = await latestIndex(owner, signal);
        if (latest !== undefined) {
          const { sequence: known } = unwrap(await readUpdate(identity.publicKey, latest, signal));
          // One from the future is of a device whose clock was wrong.
          if (known > sequence && known <= BigInt(clock.now()) * 1_000_000n + MAX_AHEAD_NS) {
            const details = { timestamp: sequence, known };
            throw new SottoError('BUNDLE_STALE', 'A newer bundle is published already.', details);
          }
          // Chunks don't expire before their stamps do: the same again would only use another stamp.
          if (known === sequence) return;
        }
        const identifier = feedIdentifier(crypto, topic, latest === undefined ? 0n : latest + 1n);
        const signature = encodeHex(signChunk(crypto, identity, identifier, payload));
        const { status } = await server.request({
          method: 'POST',
          path: `/soc/${owner}/${encodeHex(identifier)}?sig=${signature}`,
          headers: {
            'content-type': 'application/octet-stream',
            'swarm-postage-batch-id': postageBatch.toLowerCase(),
          },
          body: spanAndPayload(payload),
          maxBytes: MAX_NOTE_BYTES,
          signal,
        });
        if (status >= 400 && status < 500) {
          throw directoryRefused(DIRECTORY_NAME, `${server.host} answers with status ${status}`);
        }
        checkStatus(status);
      },
    }),
  };
}

/** Bytes of the sequence before a bundle, where feeds have the time of an update. */
const SEQUENCE_BYTES = 8;

function wrap(sequence: bigint, bundle: Uint8Array): Uint8Array {
  if (typeof sequence !== 'bigint' || sequence < 0n || sequence >= 1n << 63n) {
    throw invalidArgument('sequence', 'not a bigint from 0 to 2^63 - 1');
  }
  const payload = new Uint8Array(SEQUENCE_BYTES + bundle.length);
  new DataView(payload.buffer).setBigUint64(0, sequence);
  payload.set(bundle, SEQUENCE_BYTES);
  return payload;
}

function unwrap(payload: Uint8Array): { readonly sequence: bigint; readonly bundle: Uint8Array } {
  if (payload.length < SEQUENCE_BYTES) throw answerInvalid(DIRECTORY_NAME, 'an update without a bundle');
  const { buffer, byteOffset } = payload;
  return {
    sequence: new DataView(buffer, byteOffset).getBigUint64(0),
    bundle: copyBytes(payload.subarray(SEQUENCE_BYTES)),
  };
}
