import { timingSafeEqual } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pid } from 'node:process';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  ByteCollector,
  type Clock,
  encodeHex,
  encodeUtf8,
  invalidArgument,
  LruCache,
  systemClock,
  TokenBucket,
} from '@sotto/core';
import { digestOf } from './encryption.js';

/** Options of {@link createBlobServer}. */
export interface BlobServerOptions {
  /** Folder for the blobs, which is made when it isn't there. Nothing else belongs in it. */
  readonly directory: string;
  /** Path of the URL before the names. Default `/blobs/`. */
  readonly path?: string | undefined;
  /** Largest blob in bytes. Default 4,259,840: a part of 4 MiB, encrypted. */
  readonly maxBlobBytes?: number | undefined;
  /** Bytes of all blobs; beyond it uploads are refused until old ones have expired. Default 10,737,418,240: 10 GiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds for which a blob is kept. Default 30 days. */
  readonly lifetimeMs?: number | undefined;
  /** Bytes that one address may upload in an hour. Default 536,870,912: 512 MiB. */
  readonly maxBytesPerHour?: number | undefined;
  /** When given, PUT and DELETE need `authorization: Bearer <token>`. Default: anyone may PUT, nobody DELETE. */
  readonly token?: string | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** What is used of a request of `http.createServer`; by its shape, so that Node's types aren't needed. */
export interface BlobRequest extends AsyncIterable<Uint8Array> {
  /** Such as `PUT`. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The connection. */
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is used of a response of `http.createServer`. */
export interface BlobResponse {
  /** Whether the head was sent. */
  readonly headersSent: boolean;
  /** Sends the head. */
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): { end(): unknown };
  /** Ends the answer. */
  end(): unknown;
  /** Ends the connection. */
  destroy(): unknown;
}

/** Serves encrypted blobs from a folder, for `createHttpBlobStore`. */
export interface BlobServer {
  /**
   * Answers requests of `http.createServer`.
   * @param address whose uploads are limited, where a proxy stands before the server. Default: that of the socket
   * @returns whether the path was one of blobs, and so is being answered
   */
  handle(request: BlobRequest, response: BlobResponse, address?: string): boolean;
  /** Stops deleting what has expired. */
  close(): void;
}

const NAME = /^[0-9a-f]{64}$/;
const HOUR_MS = 3_600_000;
/** Addresses whose uploads are counted; the least recent are forgotten. */
const MAX_ADDRESSES = 10_000;
/** Uploads that are received simultaneously: what has arrived of each is in memory until its name is checked. */
const MAX_UPLOADS = 256;
/** Of them from one address. */
const MAX_UPLOADS_OF_ADDRESS = 24;
/** Milliseconds for one upload: 4 MiB over a slow line. */
const UPLOAD_MS = 120_000;
/** What a small file takes on a disk. */
const BLOCK_BYTES = 4_096;
const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, PUT, DELETE',
  'access-control-allow-headers': 'authorization, content-type',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'content-type': 'application/octet-stream',
};

/**
 * Opens a folder of blobs. A blob's name is the SHA-256 of its bytes, so nobody can replace another's, and it is on the disk when PUT is
 * answered.
 * @throws INVALID_ARGUMENT
 */
export async function createBlobServer(options: BlobServerOptions): Promise<BlobServer> {
  const server = new FolderServer(options);
  await server.open();
  return server;
}

class FolderServer implements BlobServer {
  readonly #options: BlobServerOptions;
  readonly #path: string;
  readonly #maxBlobBytes: number;
  readonly #maxBytes: number;
  readonly #lifetimeMs: number;
  readonly #bytesPerHour: number;
  readonly #clock: Clock;
  readonly #budgets = new LruCache<string, TokenBucket>(MAX_ADDRESSES);
  /** Space that blobs take. */
  #stored = 0;
  /** Space that uploads in progress may take. */
  #reserved = 0;
  #uploads = 0;
  /** By address, those in progress. */
  readonly #uploadsOf = new Map<string, number>();
  #written = 0;
  #closed = false;
  #cancel = () => {};

  constructor(options: BlobServerOptions) {
    this.#options = options;
    this.#path = options.path ?? '/blobs/';
    this.#maxBlobBytes = options.maxBlobBytes ?? 4_259_840;
    this.#maxBytes = options.maxBytes ?? 10 * 1024 ** 3;
    this.#lifetimeMs = options.lifetimeMs ?? 30 * 24 * HOUR_MS;
    this.#bytesPerHour = options.maxBytesPerHour ?? 512 * 1024 ** 2;
    this.#clock = options.clock ?? systemClock;
    if (!/^\/([\w.-]+\/)*$/.test(this.#path))
      throw invalidArgument('path', 'not /, or a path that ends in /');
  }

  async open(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true });
    await this.#sweep();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  handle(
    request: BlobRequest,
    response: BlobResponse,
    address = request.socket.remoteAddress ?? '',
  ): boolean {
    // Not parsed as a URL: `//` isn't one.
    const [pathname = ''] = (request.url ?? '/').split('?');
    if (!pathname.startsWith(this.#path)) return false;
    const name = pathname.slice(this.#path.length);
    this.#answer(request, response, name, address).catch(() => {
      if (response.headersSent) response.destroy();
      else end(response, 500);
    });
    return true;
  }

  async #answer(request: BlobRequest, response: BlobResponse, name: string, address: string): Promise<void> {
    if (request.method === 'OPTIONS') return end(response, 204);
    if (!NAME.test(name)) return end(response, 404);
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return this.#get(request, response, name);
      case 'PUT':
        return this.#isAllowed(request) ? this.#put(request, response, name, address) : end(response, 401);
      case 'DELETE':
        if (this.#options.token === undefined) return end(response, 405);
        return this.#isAllowed(request) ? this.#delete(response, name) : end(response, 401);
      default:
        return end(response, 405);
    }
  }

  #isAllowed({ headers }: BlobRequest): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    const [given, wanted] = [String(headers['authorization'] ?? ''), `Bearer ${token}`].map((text) =>
      digestOf(encodeUtf8(text)),
    ) as [Uint8Array, Uint8Array];
    return timingSafeEqual(given, wanted);
  }

  async #get(request: BlobRequest, response: BlobResponse, name: string): Promise<void> {
    const file = await open(this.#file(name)).catch(() => undefined);
    if (file === undefined) return end(response, 404);
    try {
      const { size, mtimeMs } = await file.stat();
      if (mtimeMs + this.#lifetimeMs < this.#clock.now()) return end(response, 404);
      response.writeHead(200, { ...HEADERS, 'content-length': size });
      if (request.method === 'HEAD') response.end();
      else await pipeline(file.createReadStream({ autoClose: false }), response as unknown as Writable);
    } finally {
      await file.close();
    }
  }

  async #put(request: BlobRequest, response: BlobResponse, name: string, address: string): Promise<void> {
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    if (!Number.isSafeInteger(announced) || announced < 0) return end(response, 411);
    if (announced > this.#maxBlobBytes) return end(response, 413);
    const taken = spaceOf(announced);
    if (this.#stored + this.#reserved + taken > this.#maxBytes) return end(response, 507);
    const ofAddress = this.#uploadsOf.get(address) ?? 0;
    if (this.#uploads >= MAX_UPLOADS || ofAddress >= MAX_UPLOADS_OF_ADDRESS) return end(response, 503);
    if (!this.#budgetOf(address).takeIfAvailable(taken)) return end(response, 429);
    this.#uploads++;
    this.#uploadsOf.set(address, ofAddress + 1);
    this.#reserved += taken;
    const cancelDeadline = this.#clock.after(UPLOAD_MS, () => response.destroy());
    let status: number;
    try {
      status = await this.#receive(request, name, announced);
    } finally {
      cancelDeadline();
      this.#uploads--;
      const left = (this.#uploadsOf.get(address) ?? 1) - 1;
      if (left > 0) this.#uploadsOf.set(address, left);
      else this.#uploadsOf.delete(address);
      this.#reserved -= taken;
    }
    end(response, status);
  }

  /** @returns the status of the answer */
  async #receive(request: BlobRequest, name: string, announced: number): Promise<number> {
    const blob = await readExactly(request, announced);
    if (blob === undefined || encodeHex(digestOf(blob)) !== name) return 400;
    if (await this.#write(name, blob)) this.#stored += spaceOf(blob.length);
    return 201;
  }

  /** @returns whether it takes more space now */
  async #write(name: string, blob: Uint8Array): Promise<boolean> {
    const temporary = `${this.#file(name)}.${pid}.${this.#written++}.tmp`;
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(blob);
        await file.sync();
      } finally {
        await file.close();
      }
      const before = await stat(this.#file(name)).catch(() => undefined);
      await rename(temporary, this.#file(name));
      await syncDirectory(this.#options.directory);
      return before === undefined;
    } catch (error) {
      // Such as of a full disk: what was written would take more of it.
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #delete(response: BlobResponse, name: string): Promise<void> {
    const { size } = (await stat(this.#file(name)).catch(() => undefined)) ?? { size: undefined };
    if (size === undefined) return end(response, 404);
    // Once for each blob, whoever else deletes it at the same time.
    const isGone = await unlink(this.#file(name)).then(
      () => true,
      () => false,
    );
    if (isGone) this.#stored -= spaceOf(size);
    end(response, 204);
  }

  #budgetOf(address: string): TokenBucket {
    const known = this.#budgets.get(address);
    if (known !== undefined) return known;
    const budget = new TokenBucket(this.#clock, this.#bytesPerHour / 3_600, this.#bytesPerHour);
    this.#budgets.set(address, budget);
    return budget;
  }

  /** Deletes what has expired, and what an upload left that was killed; counts the rest. */
  async #sweep(): Promise<void> {
    let total = 0;
    for (const name of await readdir(this.#options.directory)) {
      const path = join(this.#options.directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) continue;
      const age = this.#clock.now() - found.mtimeMs;
      const isOld = name.endsWith('.tmp') ? age > HOUR_MS : NAME.test(name) && age > this.#lifetimeMs;
      if (isOld) await rm(path, { force: true });
      else total += spaceOf(found.size);
    }
    this.#stored = total;
    if (this.#closed) return;
    this.#cancel = this.#clock.after(HOUR_MS, () => void this.#sweep().catch(() => undefined));
  }

  #file(name: string): string {
    return join(this.#options.directory, name);
  }
}

/** Makes the names in a folder durable, where folders can be opened. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path).catch(() => undefined);
  try {
    await directory?.sync().catch(() => undefined);
  } finally {
    await directory?.close();
  }
}

/** What a blob counts for: at least what it takes on a disk. */
function spaceOf(bytes: number): number {
  return Math.max(BLOCK_BYTES, bytes);
}

/** The body, when it has as many bytes as announced. */
async function readExactly(request: BlobRequest, length: number): Promise<Uint8Array | undefined> {
  const received = new ByteCollector();
  for await (const chunk of request) {
    if (received.length + chunk.length > length) return undefined;
    received.add(chunk);
  }
  return received.length === length ? received.take() : undefined;
}

function end(response: BlobResponse, status: number): void {
  response.writeHead(status, HEADERS).end();
}
