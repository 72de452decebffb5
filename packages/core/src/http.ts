import { parseText } from './arguments.js';
import { ByteCollector } from './byte-collector.js';
import type { Clock } from './environment.js';
import { invalidArgument, isSottoError, limitExceeded } from './errors.js';
import { systemClock } from './system-clock.js';
import { withinLimit } from './within-limit.js';

export type { Clock };

/** The part of the global `fetch` that is used. */
export type Fetch = (
  url: string,
  init: {
    readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer>;
    readonly redirect: 'manual';
    readonly credentials: 'omit';
    readonly referrerPolicy: 'no-referrer';
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/** How requests over HTTP are made, and bounded. */
export interface HttpOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Bounds the requests. Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Milliseconds for one request until its answer is there as a whole, however much of it has come. Default 15,000: a
   * lookup in a distributed hash table takes seconds.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * Redirects that are followed: none. The party that a person has chosen is the one that is asked, and a loop can't be.
 */
export const MAX_REDIRECTS = 0;

/** Milliseconds for one request, see `HttpOptions`. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 15_000;

/** Bytes that are read of the answer to a request that failed. */
const NOTE_BYTES = 500;

/** One request. */
export interface HttpRequest {
  /** What is done. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** After that of the server, with a query if there is one; begins with `/`. */
  readonly path: string;
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Borrowed until the answer is there. Default: none. */
  readonly body?: Uint8Array | undefined;
  /** Most bytes of an answer with a status of 200 to 299; of any other only the first few are read. */
  readonly maxBytes: number;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer, whole. */
export interface HttpAnswer {
  /** Of HTTP, 200 to 599 but for redirects. */
  readonly status: number;
  /** Belongs to the caller. */
  readonly body: Uint8Array;
  /** A header by its name, in any case. */
  header(name: string): string | undefined;
}

/** Errors of whoever makes the requests. */
export interface HttpErrors {
  /** The server can't be reached now. */
  unavailable(reason: string, cause: unknown): Error;
  /** Its answer can't be right. */
  answerInvalid(reason: string): Error;
}

/** Makes requests to one server, within limits of size and time. */
export class HttpServer {
  readonly #errors: HttpErrors;
  readonly #base: URL;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  /**
   * @param url of the server, `https:` or `http:`, with a path before those of requests or none
   * @throws INVALID_ARGUMENT
   */
  constructor(url: string, errors: HttpErrors, options: HttpOptions) {
    this.#errors = errors;
    this.#base = parseServerUrl(url);
    // Looked up at each call, so that it has its `this`.
    this.#fetch = options.fetch ?? ((address, init) => fetch(address, init));
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  }

  /** The host, for people. */
  get host(): string {
    return this.#base.host;
  }

  /**
   * Makes one request.
   * @throws what `HttpErrors` makes, LIMIT_EXCEEDED, TIMEOUT, ABORTED
   */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const limit = { clock: this.#clock, timeoutMs: this.#timeoutMs, signal: request.signal };
    return withinLimit(`request to ${this.host}`, limit, (signal) => this.#send(request, signal));
  }

  async #send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, path, headers = {}, body, maxBytes } = request;
    try {
      const response = await this.#fetch(`${this.#base.href.replace(/\/$/, '')}${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: new Uint8Array(body) }),
        redirect: 'manual',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal,
      });
      // Browsers don't say where to; see MAX_REDIRECTS.
      if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
        await response.body?.cancel();
        throw this.#errors.answerInvalid(`${this.host} redirects to another address`);
      }
      return {
        status: response.status,
        body: response.ok
          ? await readBody(response, maxBytes, `answer of ${this.host}, bytes`)
          : await readNote(response),
        header: (name) => response.headers.get(name) ?? undefined,
      };
    } catch (cause) {
      if (isSottoError(cause)) throw cause;
      throw this.#errors.unavailable(`the request to ${this.host} failed`, cause);
    }
  }
}

function parseServerUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(parseText(text, 'url'));
  } catch {
    throw invalidArgument('url', 'not an absolute URL');
  }
  if (!/^https?:$/.test(url.protocol)) throw invalidArgument('url', 'neither https: nor http:');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidArgument('url', 'has a user, a password, a query or a fragment');
  }
  return url;
}

/** The beginning of what is said of an error: pages that say "not found" may be of any size. */
async function readNote(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const note = new ByteCollector();
  while (reader !== undefined && note.length < NOTE_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    note.add(value.subarray(0, NOTE_BYTES - note.length));
  }
  await reader?.cancel();
  return note.take();
}

/** Reads up to the limit, whatever length is announced. */
async function readBody(response: Response, maxBytes: number, what: string): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const body = new ByteCollector();
  for (;;) {
    if (announced > maxBytes) {
      await reader.cancel();
      throw limitExceeded(what, maxBytes, announced);
    }
    const { done, value } = await reader.read();
    if (done) return body.take();
    const length = body.length + value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw limitExceeded(what, maxBytes, length);
    }
    body.add(value);
  }
}
