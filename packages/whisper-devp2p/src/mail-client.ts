import { type Clock, compareBytes, encodeHex, type KeyPair, SottoError, type Topic } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Miner } from '@sotto/whisper-transport';
import { createInlineMiner } from '@sotto/whisper-transport';
import { bloomOfTopics, channelSymmetricKey, envelopeHash } from '@sotto/whisper-transport/whisper';
import { parseEnode } from './host/enode.js';
import type { DirectEnvelope, WhisperPeer } from './host/host-options.js';
import type { WhisperHost } from './host/whisper-host.js';
import { decodeMailCompletion } from './mail/completion.js';
import { MAIL_SPAN_MOST, sealMailRequest } from './mail/request.js';

/** Milliseconds that a mailserver may be silent in the middle of an answer. */
const SILENCE_MS = 10_000;
/** Envelopes of one page. */
const PAGE_SIZE = 500;
const LATEST_SECOND = 2 ** 32 - 1;
/** Days that are asked for at most, those before the end: each is a request, and mailservers keep 30. */
const DAYS_MOST = 366;
/** Seconds beyond our clock that are asked for: nobody has sealed anything later, and each day is a request. */
const AHEAD_MOST = MAIL_SPAN_MOST;

export interface MailserverOptions {
  /** Where it is. It is trusted to send what it likes; it is called as the other peers are. */
  readonly enode: string;
  /** What it asks of those who ask. Default of deployed ones: `status-offline-inbox`. */
  readonly password: string;
}

export interface MailQuery {
  readonly topics: readonly Topic[];
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal | undefined;
  /** Gets what is on these topics. */
  readonly take: (message: DirectEnvelope) => void | Promise<void>;
}

interface Page {
  readonly requestId: Uint8Array;
  readonly onMessage: (message: DirectEnvelope) => void;
  readonly onComplete: (cursor: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

/** Asks one mailserver. One request at a time: what it sends does not say to which one it belongs. */
export class MailClient {
  readonly id: string;
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #signer: KeyPair;
  readonly #password: string;
  readonly #miner: Miner;
  #key: Uint8Array | undefined;
  #page: Page | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param signer the node key of the host @throws INVALID_TEXT */
  constructor(crypto: CryptoProvider, clock: Clock, signer: KeyPair, { enode, password }: MailserverOptions) {
    this.id = parseEnode(crypto, enode).id;
    this.#crypto = crypto;
    this.#clock = clock;
    this.#signer = signer;
    this.#password = password;
    this.#miner = createInlineMiner(clock);
  }

  onMessages(peer: WhisperPeer, messages: readonly DirectEnvelope[]): void {
    if (peer.id !== this.id) return;
    for (const message of messages) this.#page?.onMessage(message);
  }

  /** @throws MALFORMED_MESSAGE */
  onComplete(peer: WhisperPeer, payload: Uint8Array): void {
    const page = this.#page;
    if (peer.id !== this.id || page === undefined) return;
    const completion = decodeMailCompletion(payload);
    if (compareBytes(completion.requestId, page.requestId) !== 0) return;
    if (completion.outcome === 'refused') page.fail(refused(completion.reason));
    else page.onComplete(completion.cursor);
  }

  onGone(peer: WhisperPeer): void {
    if (peer.id === this.id) this.#page?.fail(unavailable('the mailserver has gone'));
  }

  /**
   * Asks day by day, the oldest first. Resolves when the last envelope was taken.
   * @throws TRANSPORT_REFUSED with the mailserver's words; TRANSPORT_UNAVAILABLE when it is not connected, goes or is
   * silent; ABORTED
   */
  query(host: WhisperHost, query: MailQuery): Promise<void> {
    const result = this.#turn.then(() => this.#query(host, query));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #query(host: WhisperHost, query: MailQuery): Promise<void> {
    for (const span of spansOf(query, Math.floor(this.#clock.now() / 1000))) {
      for (let cursor: Uint8Array = new Uint8Array(0); ; ) {
        const next = await this.#ask(host, query, span, cursor);
        // One that gives the same page again would do so for ever.
        if (next.length === 0 || compareBytes(next, cursor) === 0) break;
        cursor = next;
      }
    }
  }

  async #ask(
    host: WhisperHost,
    { topics, signal, take }: MailQuery,
    span: Span,
    cursor: Uint8Array,
  ): Promise<Uint8Array> {
    const crypto = this.#crypto;
    this.#key ??= channelSymmetricKey(crypto, this.#password);
    const request = {
      ...span,
      bloom: bloomOfTopics(topics),
      limit: PAGE_SIZE,
      cursor,
      batch: true,
    };
    const now = Math.floor(this.#clock.now() / 1000);
    const sealed = await sealMailRequest(request, {
      crypto,
      miner: this.#miner,
      now,
      key: this.#key,
      signer: this.#signer,
      signal,
    });
    const wanted = new Set(topics.map(encodeHex));
    const taken: Promise<unknown>[] = [];
    const next = await this.#answered(envelopeHash(crypto, sealed), signal, {
      onMessage: (message) => {
        if (wanted.has(encodeHex(message.envelope.topic))) taken.push(Promise.resolve(take(message)));
      },
      send: () => host.sendP2pRequest(this.id, sealed),
    });
    await Promise.all(taken);
    return next;
  }

  #answered(
    requestId: Uint8Array,
    signal: AbortSignal | undefined,
    {
      onMessage,
      send,
    }: { readonly onMessage: (message: DirectEnvelope) => void; readonly send: () => Promise<void> },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let cancelTimer = () => {};
      const settle = () => {
        cancelTimer();
        signal?.removeEventListener('abort', abort);
        this.#page = undefined;
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const abort = () => fail(new SottoError('ABORTED', 'The caller gave up.', { what: 'history' }));
      const listen = () => {
        cancelTimer();
        cancelTimer = this.#clock.after(SILENCE_MS, () => fail(unavailable('the mailserver is silent')));
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#page = {
        requestId,
        onMessage: (message) => {
          listen();
          onMessage(message);
        },
        onComplete: (cursor) => {
          settle();
          resolve(cursor);
        },
        fail,
      };
      listen();
      if (signal?.aborted) return abort();
      send().catch(() => fail(unavailable('the mailserver is not connected')));
    });
  }
}

/** Seconds since the epoch, inclusive. */
interface Span {
  readonly lower: number;
  readonly upper: number;
}

/** What one request may ask for each, the oldest first. */
function* spansOf({ from, to }: Pick<MailQuery, 'from' | 'to'>, now: number): Iterable<Span> {
  const end = Math.min(secondOf(Math.ceil(to / 1000)), now + AHEAD_MOST);
  const begin = Math.max(secondOf(Math.floor(from / 1000)), end - DAYS_MOST * MAIL_SPAN_MOST);
  for (let lower = begin; lower <= end; lower += MAIL_SPAN_MOST + 1) {
    yield { lower, upper: Math.min(end, lower + MAIL_SPAN_MOST) };
  }
}

function secondOf(seconds: number): number {
  return Math.min(Math.max(seconds, 0), LATEST_SECOND);
}

function unavailable(reason: string): SottoError<'TRANSPORT_UNAVAILABLE'> {
  return new SottoError('TRANSPORT_UNAVAILABLE', `The history can't be had: ${reason}.`, { reason });
}

function refused(said: string): SottoError<'TRANSPORT_REFUSED'> {
  const reason = said === '' ? 'no reason given' : said;
  return new SottoError('TRANSPORT_REFUSED', `The mailserver refuses: ${reason}.`, { reason });
}
