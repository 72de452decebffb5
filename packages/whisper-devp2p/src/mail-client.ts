import {
  type Clock,
  compareBytes,
  encodeHex,
  type KeyPair,
  onAbort,
  SerialQueue,
  SottoError,
  type Topic,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { createInlineMiner, type Miner } from '@sotto/whisper-transport';
import { abortedError } from '@sotto/whisper-transport/internal';
import { bloomOfTopics, channelSymmetricKey, envelopeHash } from '@sotto/whisper-transport/whisper';
import { parseEnode } from './host/enode.js';
import type { DirectEnvelope, WhisperPeer } from './host/host-options.js';
import type { WhisperHost } from './host/whisper-host.js';
import { decodeMailCompletion } from './mail/completion.js';
import { MAIL_LIMIT_MOST, MAIL_SPAN_MOST, sealMailRequest } from './mail/request.js';

/** Milliseconds that a mailserver may pause within an answer. */
const SILENCE_MS = 10_000;
/** Envelopes of one page. */
const PAGE_SIZE = 500;
const LATEST_SECOND = 2 ** 32 - 1;
/** Most days of a query, counted back from its end: each is a request, and mailservers keep 30. */
const DAYS_MOST = 366;
/** How far a query may reach into the future, in seconds: nothing was sealed later, and each day is a request. */
const AHEAD_MOST = MAIL_SPAN_MOST;

/** A mailserver to fetch the history from. */
export interface MailserverOptions {
  /** Its `enode://` URL. It is dialled like the other peers, and trusted: its p2p messages are accepted. */
  readonly enode: string;
  /** The password that requests are sealed with. Deployed mailservers use `status-offline-inbox`. */
  readonly password: string;
}

export interface MailQuery {
  readonly topics: readonly Topic[];
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal | undefined;
  /** Receives the envelopes of these topics. */
  readonly onEnvelope: (message: DirectEnvelope) => void | Promise<void>;
}

interface Page {
  readonly requestId: Uint8Array;
  readonly onMessage: (message: DirectEnvelope) => void;
  readonly onComplete: (cursor: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

/** Queries one mailserver, with one request at a time: its envelopes don't say which request they answer. */
export class MailClient {
  readonly id: string;
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #signer: KeyPair;
  readonly #password: string;
  readonly #miner: Miner;
  #key: Uint8Array | undefined;
  #page: Page | undefined;
  readonly #queue = new SerialQueue();

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
    if (peer.id === this.id) this.#page?.fail(unavailable('the mailserver has disconnected'));
  }

  /**
   * Requests day by day, oldest first. Resolves when `onEnvelope` has resolved for the last envelope.
   * @throws TRANSPORT_REFUSED with the mailserver's words; TRANSPORT_UNAVAILABLE when it is not connected, disconnects or
   * is silent; ABORTED
   */
  query(host: WhisperHost, query: MailQuery): Promise<void> {
    return this.#queue.run(() => this.#query(host, query));
  }

  async #query(host: WhisperHost, query: MailQuery): Promise<void> {
    for (const span of spansOf(query, Math.floor(this.#clock.now() / 1000))) {
      for (let cursor: Uint8Array = new Uint8Array(0); ; ) {
        const next = await this.#requestPage(host, query, span, cursor);
        // A mailserver that repeats a page would do so forever.
        if (next.length === 0 || compareBytes(next, cursor) === 0) break;
        cursor = next;
      }
    }
  }

  async #requestPage(
    host: WhisperHost,
    { topics, signal, onEnvelope }: MailQuery,
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
    const deliveries: Promise<unknown>[] = [];
    const next = await this.#answer(envelopeHash(crypto, sealed), signal, {
      onMessage: (message) => {
        if (!wanted.has(encodeHex(message.envelope.topic))) return;
        if (deliveries.length === MAIL_LIMIT_MOST)
          return this.#page?.fail(refused('it sends more than a page'));
        deliveries.push(Promise.resolve(onEnvelope(message)));
      },
      send: () => host.sendP2pRequest(this.id, sealed),
    });
    await Promise.all(deliveries);
    return next;
  }

  #answer(
    requestId: Uint8Array,
    signal: AbortSignal | undefined,
    {
      onMessage,
      send,
    }: { readonly onMessage: (message: DirectEnvelope) => void; readonly send: () => Promise<void> },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError('history'));
      let cancelTimer = () => {};
      const settle = () => {
        cancelTimer();
        stopListening();
        this.#page = undefined;
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const restartTimer = () => {
        cancelTimer();
        cancelTimer = this.#clock.after(SILENCE_MS, () => fail(unavailable('the mailserver is silent')));
      };
      const stopListening = onAbort(signal, () => fail(abortedError('history')));
      this.#page = {
        requestId,
        onMessage: (message) => {
          restartTimer();
          onMessage(message);
        },
        onComplete: (cursor) => {
          settle();
          resolve(cursor);
        },
        fail,
      };
      restartTimer();
      send().catch(() => fail(unavailable('the mailserver is not connected')));
    });
  }
}

/** Seconds since the epoch, inclusive. */
interface Span {
  readonly lower: number;
  readonly upper: number;
}

/** The spans of single requests, oldest first. */
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
  return new SottoError('TRANSPORT_UNAVAILABLE', `The history is unavailable: ${reason}.`, { reason });
}

function refused(words: string): SottoError<'TRANSPORT_REFUSED'> {
  const reason = words === '' ? 'no reason given' : words;
  return new SottoError('TRANSPORT_REFUSED', `The mailserver refuses: ${reason}.`, { reason });
}
