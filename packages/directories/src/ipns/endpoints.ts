import { concatBytes, decodeBase64, decodeUtf8, encodeUtf8 } from '@sotto/core';
import { type HttpAnswer, type HttpOptions, type HttpRequest, HttpServer } from '@sotto/core/http';
import { answerInvalid, directoryRefused, directoryUnavailable, httpErrors } from '../errors.js';
import { MAX_RECORD_BYTES } from './record.js';

/** What errors and reports call the directory. */
export const DIRECTORY_NAME = 'ipns';

const RECORD_TYPE = 'application/vnd.ipfs.ipns-record';
const BLOCK_TYPE = 'application/vnd.ipld.raw';
/** Kubo wraps a record in a line of JSON, as base64. */
const MAX_KUBO_ANSWER_BYTES = 4 * MAX_RECORD_BYTES;
/** Bytes of what Kubo and others say of a write. */
const MAX_NOTE_BYTES = 64 * 1024;

/**
 * A party that is asked for records and blocks, or given them. It is believed in nothing: records are checked by their
 * signature, blocks by their hash. One of your own has all that it can do; errors as in `BundleDirectory`.
 */
export interface IpnsEndpoint {
  /** For people and reports, such as a host. */
  readonly source: string;
  /** The record of a name (`k…`), as bytes, or none. */
  getRecord?(name: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
  /** Takes a record, in place of the one before. */
  putRecord?(name: string, record: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
  /** The block of a CID (`bafkrei…`) of at most `maxBytes` bytes, or none. */
  getBlock?(cid: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
  /** Takes a raw block, and keeps it. */
  putBlock?(block: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
}

/**
 * The RPC of a Kubo node of one's own, which reads and writes both: `http://127.0.0.1:5001`. It has all power over the node:
 * never one of a stranger, and never open to strangers.
 * @throws INVALID_ARGUMENT for what is not a URL
 */
export function createKuboEndpoint(url: string, options: HttpOptions = {}): IpnsEndpoint {
  const server = new HttpServer(url, httpErrors(DIRECTORY_NAME), options);
  const call = async (
    path: string,
    maxBytes: number,
    signal: AbortSignal | undefined,
    content?: Uint8Array,
  ) =>
    server.request({
      method: 'POST',
      path: `/api/v0/${path}`,
      maxBytes,
      signal,
      ...(content !== undefined && multipart(content)),
    });
  return {
    source: server.host,

    async getRecord(name, signal) {
      const answer = await call(`routing/get?arg=/ipns/${name}`, MAX_KUBO_ANSWER_BYTES, signal);
      if (isAbsent(answer)) return undefined;
      checkRead(server, answer);
      return recordOfLines(server, answer);
    },

    async putRecord(name, record, signal) {
      const path = `routing/put?arg=/ipns/${name}&allow-offline=true`;
      checkWritten(server, await call(path, MAX_NOTE_BYTES, signal, record));
    },

    async getBlock(cid, maxBytes, signal) {
      const answer = await call(`block/get?arg=${cid}`, maxBytes, signal);
      if (isAbsent(answer)) return undefined;
      checkRead(server, answer);
      return answer.body;
    },

    async putBlock(block, signal) {
      const path = 'block/put?cid-codec=raw&mhtype=sha2-256&pin=true';
      checkWritten(server, await call(path, MAX_NOTE_BYTES, signal, block));
    },
  };
}

/**
 * A trustless gateway (https://specs.ipfs.tech/http-gateways/trustless-gateway/), which only reads.
 * @throws INVALID_ARGUMENT for what is not a URL
 */
export function createGatewayEndpoint(url: string, options: HttpOptions = {}): IpnsEndpoint {
  const server = new HttpServer(url, httpErrors(DIRECTORY_NAME), options);
  const get = (path: string, accept: string, maxBytes: number, signal: AbortSignal | undefined) =>
    read(server, { method: 'GET', path, headers: { accept }, maxBytes, signal });
  return {
    source: server.host,
    getRecord: (name, signal) =>
      get(`/ipns/${name}?format=ipns-record`, RECORD_TYPE, MAX_RECORD_BYTES, signal),
    getBlock: (cid, maxBytes, signal) => get(`/ipfs/${cid}?format=raw`, BLOCK_TYPE, maxBytes, signal),
  };
}

/**
 * A server of Delegated Routing V1 (https://specs.ipfs.tech/routing/http-routing-v1/), which stores and returns records, and
 * no blocks.
 * @throws INVALID_ARGUMENT for what is not a URL
 */
export function createDelegatedRoutingEndpoint(url: string, options: HttpOptions = {}): IpnsEndpoint {
  const server = new HttpServer(url, httpErrors(DIRECTORY_NAME), options);
  return {
    source: server.host,
    getRecord: (name, signal) =>
      read(server, {
        method: 'GET',
        path: `/routing/v1/ipns/${name}`,
        headers: { accept: RECORD_TYPE },
        maxBytes: MAX_RECORD_BYTES,
        signal,
      }),
    async putRecord(name, record, signal) {
      const answer = await server.request({
        method: 'PUT',
        path: `/routing/v1/ipns/${name}`,
        headers: { 'content-type': RECORD_TYPE },
        body: record,
        maxBytes: MAX_NOTE_BYTES,
        signal,
      });
      checkWritten(server, answer);
    },
  };
}

async function read(server: HttpServer, request: HttpRequest): Promise<Uint8Array | undefined> {
  const answer = await server.request(request);
  if (isAbsent(answer)) return undefined;
  checkRead(server, answer);
  // Some servers answer so when there is no record.
  if (answer.header('content-type')?.startsWith('text/plain')) return undefined;
  return answer.body;
}

function checkRead(server: HttpServer, { status }: HttpAnswer): void {
  if (status !== 200)
    throw directoryUnavailable(DIRECTORY_NAME, `${server.host} answers with status ${status}`);
}

function checkWritten(server: HttpServer, { status }: HttpAnswer): void {
  if (status >= 200 && status < 300) return;
  const reason = `${server.host} answers with status ${status}`;
  // Kubo says 500 for what it refuses, and for what goes wrong in it.
  throw status < 500
    ? directoryRefused(DIRECTORY_NAME, reason)
    : directoryUnavailable(DIRECTORY_NAME, reason);
}

/** Whether there is no such record or block; Kubo answers that with status 500. */
function isAbsent({ status, body }: HttpAnswer): boolean {
  if (status === 404 || status === 410) return true;
  return status === 500 && /\bnot found\b/i.test(String.fromCharCode(...body));
}

/** The record among the lines of JSON that a Kubo node answers with, in the one whose `Type` is 5, a value. */
function recordOfLines(server: HttpServer, { body }: HttpAnswer): Uint8Array | undefined {
  try {
    for (const line of decodeUtf8(body).split('\n')) {
      if (line.trim() === '') continue;
      const { Type: kind, Extra: record } = JSON.parse(line) as { Type?: unknown; Extra?: unknown };
      if (kind === 5 && typeof record === 'string') return decodeBase64(record);
    }
    return undefined;
  } catch (cause) {
    throw answerInvalid(DIRECTORY_NAME, `${server.host} did not answer as Kubo does`, cause);
  }
}

/** One file, in the form that Kubo accepts. */
function multipart(content: Uint8Array): Pick<HttpRequest, 'headers' | 'body'> {
  const text = Array.from(content, (byte) => String.fromCharCode(byte)).join('');
  let boundary = 'sotto';
  while (text.includes(boundary)) boundary += text.length;
  const head = 'content-disposition: form-data; name="file"; filename="file"';
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: concatBytes(
      encodeUtf8(`--${boundary}\r\n${head}\r\ncontent-type: application/octet-stream\r\n\r\n`),
      content,
      encodeUtf8(`\r\n--${boundary}--\r\n`),
    ),
  };
}
