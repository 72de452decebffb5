import { type BlobStore, encodeHex } from '@sotto/core';
import { type Fetch, type HttpAnswer, type HttpOptions, HttpServer } from '@sotto/core/http';
import { blobHttpErrors, blobNotFound, blobRefused, blobUnavailable } from './blob-errors.js';
import { checkReference, parseBlob } from './checks.js';
import { digestOf } from './encryption.js';

export type { Fetch, HttpOptions };

/** Options of {@link createHttpBlobStore}. */
export interface HttpBlobStoreOptions extends HttpOptions {
  /** The folder of blobs on the server: `https://files.example.org/blobs/`. */
  readonly url: string;
  /**
   * Further folders whose blobs are fetched: those of other services that the user trusts to learn their address. Default: none.
   */
  readonly alsoFrom?: readonly string[] | undefined;
  /** Sent with each request to `url`, such as `authorization`; not to other folders. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Largest blob in bytes. Default 4,194,304. */
  readonly maxBlobBytes?: number | undefined;
  /** Milliseconds for which the server keeps blobs, if it is known. */
  readonly lifetimeMs?: number | undefined;
}

/** Milliseconds for one request: a slow phone uploads 4 MiB in it. */
const DEFAULT_TIMEOUT_MS = 120_000;
/** Bytes that are read of the answer to PUT and DELETE. */
const MAX_NOTE_BYTES = 4_096;
const NAME = /^[0-9a-f]{64}$/;

/**
 * Blobs on a web server: PUT, GET and DELETE of `<url><SHA-256 in hex>`; see `createBlobServer` of `@sotto/attachments/server`, or any
 * server that stores what is PUT. References are these URLs. The server sees sizes, times and addresses.
 * @throws INVALID_ARGUMENT
 */
export function createHttpBlobStore(options: HttpBlobStoreOptions): BlobStore {
  const { url, alsoFrom = [], headers = {}, maxBlobBytes = 4 * 1024 * 1024, lifetimeMs } = options;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const open = (address: string) => {
    const server = new HttpServer(address, blobHttpErrors('http'), { ...options, timeoutMs });
    return { server, folder: `${new URL(address).href.replace(/\/$/, '')}/` };
  };
  const own = open(url);
  const all = [own, ...alsoFrom.map(open)];
  const placeOf = (reference: string) =>
    all.find(({ folder }) => reference.startsWith(folder) && NAME.test(reference.slice(folder.length)));
  const request = async (
    reference: string,
    method: 'GET' | 'PUT' | 'DELETE',
    call: { maxBytes: number; body?: Uint8Array; signal?: AbortSignal | undefined },
  ): Promise<HttpAnswer> => {
    const place = placeOf(reference) ?? own;
    return place.server.request({
      method,
      path: `/${reference.slice(place.folder.length)}`,
      headers: {
        ...(place === own && headers),
        ...(method === 'PUT' && { 'content-type': 'application/octet-stream' }),
      },
      ...call,
    });
  };
  const store: BlobStore = {
    name: 'http',
    capabilities: { maxBlobBytes, lifetimeMs },
    accepts: (reference) => placeOf(reference) !== undefined,
    async put(blob, { signal } = {}) {
      const body = parseBlob(store, blob, signal);
      const reference = `${own.folder}${encodeHex(digestOf(body))}`;
      checkAnswer(await request(reference, 'PUT', { maxBytes: MAX_NOTE_BYTES, body, signal }));
      return reference;
    },
    async get(reference, { maxBytes = maxBlobBytes, signal } = {}) {
      checkReference(store, reference, signal);
      const answer = await request(reference, 'GET', { maxBytes, signal });
      if (answer.status === 404 || answer.status === 410) throw blobNotFound(store.name, reference);
      checkAnswer(answer);
      return answer.body;
    },
    async delete(reference, { signal } = {}) {
      checkReference(store, reference, signal);
      const answer = await request(reference, 'DELETE', { maxBytes: MAX_NOTE_BYTES, signal });
      if (answer.status !== 404 && answer.status !== 410) checkAnswer(answer);
    },
  };
  return store;
}

/** @throws BLOB_REFUSED, BLOB_UNAVAILABLE */
function checkAnswer({ status }: HttpAnswer): void {
  if (status >= 200 && status < 300) return;
  const reason = `it answers with status ${status}`;
  if (status === 413) throw blobRefused('http', 'the blob is too large for it');
  // Too many requests, and what goes wrong in the server, may pass.
  if (status === 408 || status === 429 || status >= 500) throw blobUnavailable('http', reason);
  throw blobRefused('http', reason);
}
