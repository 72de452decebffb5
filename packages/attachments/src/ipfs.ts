import { type BlobStore, compareBytes, isSottoError } from '@sotto/core';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { blobNotFound, blobRefused, blobUnavailable } from './blob-errors.js';
import { checkReference, parseBlob } from './checks.js';
import { digestOf, notAuthentic } from './encryption.js';

/**
 * An IPFS node or gateway: what `createKuboEndpoint` and `createGatewayEndpoint` of `@sotto/directories/ipns` return. It is believed
 * in nothing: blocks are checked by their hash.
 */
export interface IpfsEndpoint {
  /** For people and reports, such as a host. */
  readonly source: string;
  /** The block of a CID of at most `maxBytes` bytes, or none. */
  getBlock?(cid: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
  /** Stores a raw block, and keeps it. */
  putBlock?(block: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
}

/** Options of {@link createIpfsBlobStore}. */
export interface IpfsBlobStoreOptions {
  /** Blobs are stored by the first that has `putBlock`; all that have `getBlock` are asked simultaneously. At least one. */
  readonly endpoints: readonly IpfsEndpoint[];
}

/** IPFS nodes exchange blocks of at most this size. */
const MAX_BLOCK_BYTES = 1024 * 1024;
const SHA2_256 = 0x12;
const REFERENCE = /^ipfs:\/\/(baf[a-z2-7]{56})$/;

/**
 * Blobs as raw blocks of IPFS; references: `ipfs://bafkrei...`. Blobs are public and stay as long as anybody keeps them, so their
 * encryption is all that protects them; nodes see who asks for what.
 * @throws INVALID_ARGUMENT
 */
export function createIpfsBlobStore({ endpoints }: IpfsBlobStoreOptions): BlobStore {
  const store: BlobStore = {
    name: 'ipfs',
    capabilities: { maxBlobBytes: MAX_BLOCK_BYTES },
    accepts: (reference) => cidOf(reference) !== undefined,
    async put(blob, { signal } = {}) {
      const block = parseBlob(store, blob, signal);
      const writer = endpoints.find(({ putBlock }) => putBlock !== undefined);
      if (writer?.putBlock === undefined) throw blobRefused(store.name, 'no endpoint can store');
      const { putBlock } = writer;
      await asBlobErrors(() => putBlock.call(writer, block, signal));
      return `ipfs://${CID.createV1(raw.code, createDigest(SHA2_256, digestOf(block)))}`;
    },
    async get(reference, { maxBytes = MAX_BLOCK_BYTES, signal } = {}) {
      checkReference(store, reference, signal);
      const cid = cidOf(reference) as CID;
      const gone = blobNotFound(store.name, reference);
      const reads = endpoints.map((endpoint) =>
        asBlobErrors(() => readBlock(endpoint, cid, maxBytes, signal)),
      );
      try {
        return await Promise.any(reads);
      } catch (error) {
        // That one doesn't have it says little while another can't be reached.
        const failures = (error as AggregateError).errors as unknown[];
        throw failures.find((failure) => failure !== ABSENT) ?? gone;
      }
    },
  };
  return store;
}

/** What reading throws when an endpoint doesn't have the block. */
const ABSENT = new Error('absent');

async function readBlock(
  endpoint: IpfsEndpoint,
  cid: CID,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const block = await endpoint.getBlock?.(cid.toString(), maxBytes, signal);
  if (block === undefined) throw ABSENT;
  if (compareBytes(digestOf(block), cid.multihash.digest) !== 0) throw notAuthentic();
  return block;
}

/** The CID of a raw block with SHA-256. */
function cidOf(reference: string): CID | undefined {
  const [, text] = REFERENCE.exec(reference) ?? [];
  if (text === undefined) return undefined;
  try {
    const cid = CID.parse(text);
    return cid.code === raw.code && cid.multihash.code === SHA2_256 ? cid : undefined;
  } catch {
    return undefined;
  }
}

/** Endpoints are of directories, and so are their errors. */
async function asBlobErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error === ABSENT) throw error;
    if (!isSottoError(error)) throw blobUnavailable('ipfs', 'the endpoint failed', error);
    if (isSottoError(error, 'DIRECTORY_UNAVAILABLE'))
      throw blobUnavailable('ipfs', error.details.reason, error);
    if (isSottoError(error, 'DIRECTORY_REFUSED') || isSottoError(error, 'DIRECTORY_ANSWER_INVALID')) {
      throw blobRefused('ipfs', error.details.reason);
    }
    throw error;
  }
}
