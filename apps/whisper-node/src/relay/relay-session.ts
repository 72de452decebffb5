import { type Clock, encodeHex, isSottoError, TokenBucket, type Topic } from '@sotto/core';
import {
  type ClientFrame,
  decodeClientFrame,
  encodeRelayFrame,
  type RelayFrame,
  type RelayRefusalCode,
} from '@sotto/whisper-transport/relay-protocol';
import type { EnvelopePool } from '@sotto/whisper-transport/whisper';
import type { WebSocket } from 'ws';
import type { EnvelopeArchive } from '../archive/envelope-archive.js';

export interface RelayLimits {
  /** Most topics of one subscription or history. */
  readonly maxTopics: number;
  /** Frames a second of one client, three times as many at once. A faster client is read from more slowly. */
  readonly rate: number;
  /** Most envelopes of one page of a history. */
  readonly pageSize: number;
  /** Frames a second of all clients of one address, three times as many at once. */
  readonly addressRate: number;
  /** Most topics of all clients of one address. */
  readonly addressTopics: number;
}

/** The relay, as its sessions see it. */
export interface RelayHost {
  readonly pool: EnvelopePool;
  readonly archive: EnvelopeArchive | undefined;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Milliseconds that a frame of this cost has to wait for its address's rate; `undefined` when it is refused. */
  delayOf(address: string, cost: number): number | undefined;
  /** Reserves more topics for an address, or releases them when `more` is negative. @returns whether it may have them */
  takeTopics(address: string, more: number): boolean;
  /** Bytes that the clients of an address have not read yet. */
  unreadOf(address: string): number;
  onTopicsChanged(client: RelaySession, before: ReadonlySet<string>, after: ReadonlySet<string>): void;
  onFrame(kind: string, outcome: string): void;
}

/** Most bytes that a client may leave unread before it is disconnected. */
const UNREAD_MOST = 16 * 1024 * 1024;
/** The same for all clients of one address: as much as four stalled clients. */
const ADDRESS_UNREAD_MOST = 4 * UNREAD_MOST;
/** Unread bytes of a client from which on those of its address are summed up. */
const UNREAD_SUSPECT = 2 ** 20;
/** Milliseconds until a client's first frame: twice the time after which an idle client sends a ping. */
const FIRST_FRAME_MS = 60_000;
/** Bytes of a frame or answer that count as one more frame: 1 MiB takes as long as 32 small ones. */
const BYTES_PER_COST = 2 ** 15;
/** Records of the archive looked at for an answer that count as one more frame: a millisecond of work. */
const RECORDS_PER_COST = 200;
/** Most bytes of live envelopes that are sent for a new subscription. */
const ALIVE_MOST = 4 * 1024 * 1024;
/** Close codes of WebSockets: an invalid frame; no frame at all; try again later. */
const PROTOCOL_ERROR = 1002;
const SILENT = 1008;
const TRY_AGAIN_LATER = 1013;
/** Cost of each kind of frame, in simple frames. */
const COSTS = { publish: 1, ping: 1, subscribe: 5, history: 5 };

/** The session of one client with the relay, `docs/relay-protocol.md`. */
export class RelaySession {
  readonly #socket: WebSocket;
  readonly #host: RelayHost;
  /** The name of its address, see `addressName`. */
  readonly address: string;
  readonly #budget: TokenBucket;
  #topics: ReadonlySet<string> = new Set();
  #inHistory = false;
  #alive = true;
  #cancelResume = () => {};
  #cancelFirst: () => void;

  constructor(socket: WebSocket, host: RelayHost, address: string) {
    this.#socket = socket;
    this.#host = host;
    this.address = address;
    this.#cancelFirst = host.clock.after(FIRST_FRAME_MS, () => {
      host.onFrame('none', 'silent');
      socket.close(SILENT);
    });
    this.#budget = new TokenBucket(host.clock, host.limits.rate, 3 * host.limits.rate);
    socket.on('message', (data, isBinary) => void this.#receive(data as Uint8Array, isBinary));
    socket.on('close', () => {
      this.#cancelResume();
      this.#cancelFirst();
    });
    socket.on('pong', () => {
      this.#alive = true;
    });
  }

  /** Topics subscribed to, in hex. */
  get topics(): ReadonlySet<string> {
    return this.#topics;
  }

  /** Bytes that it has not read yet. */
  get unread(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: RelayFrame): void {
    this.sendEncoded(encodeRelayFrame(frame));
  }

  sendEncoded(frame: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#isStalled()) {
      this.#host.onFrame('envelope', 'unread');
      this.#socket.close(TRY_AGAIN_LATER);
      this.#socket.terminate();
      return;
    }
    this.#socket.send(frame);
  }

  #isStalled(): boolean {
    const { unread } = this;
    if (unread <= UNREAD_SUSPECT) return false;
    return unread > UNREAD_MOST || this.#host.unreadOf(this.address) > ADDRESS_UNREAD_MOST;
  }

  /** Pings the client, and disconnects it if it has not answered the previous ping. */
  checkAlive(): void {
    if (this.#alive) this.#socket.ping();
    else this.terminate();
    this.#alive = false;
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #receive(data: Uint8Array, isBinary: boolean): Promise<void> {
    let frame: ClientFrame;
    try {
      if (!isBinary) throw new Refusal('malformed', 'a text');
      frame = decodeClientFrame(data);
    } catch {
      this.#refuse('unknown', 0, { code: 'malformed', reason: 'the frame cannot be read' });
      this.#socket.close(PROTOCOL_ERROR);
      return;
    }
    this.#cancelFirst();
    const { kind, id } = frame;
    if (!this.#pay(COSTS[kind] + Math.floor(data.length / BYTES_PER_COST))) {
      return this.#refuse(kind, id, { code: 'busy', reason: 'too much at once' });
    }
    try {
      await this.#answer(frame);
      this.#host.onFrame(kind, 'done');
    } catch (error) {
      this.#refuse(kind, id, refusalOf(error));
    }
  }

  /** Charges the client and its address. Reading pauses while they are in debt. @returns false when the debt would be too large */
  #pay(cost: number): boolean {
    const own = this.#budget.tryTake(cost);
    const ofAddress = own === undefined ? undefined : this.#host.delayOf(this.address, cost);
    if (own === undefined || ofAddress === undefined) return false;
    const wait = Math.max(own, ofAddress);
    if (wait > 0) this.#pauseFor(wait);
    return true;
  }

  /** Pauses reading instead of refusing: we may have been slow ourselves, and have many frames to read at once. */
  #pauseFor(milliseconds: number): void {
    this.#socket.pause();
    this.#cancelResume();
    this.#cancelResume = this.#host.clock.after(milliseconds, () => this.#socket.resume());
  }

  async #answer(frame: ClientFrame): Promise<void> {
    switch (frame.kind) {
      case 'ping':
        this.#sendTime();
        return this.send({ kind: 'done', id: frame.id });
      case 'publish':
        await this.#publish(frame.envelope);
        return this.send({ kind: 'done', id: frame.id });
      case 'subscribe':
        return this.#subscribe(frame.id, frame.topics);
      case 'history':
        return this.#history(frame);
    }
  }

  async #publish(envelope: Uint8Array): Promise<void> {
    const { pool, archive } = this.#host;
    const { pooled, isNew } = pool.offer(envelope, this);
    if (archive === undefined || pooled === undefined) return;
    await (isNew ? archive.add(pooled) : archive.addAgain(pooled));
  }

  #subscribe(id: number, topics: readonly Topic[]): void {
    this.#checkTopics(topics);
    const before = this.#topics;
    const after = new Set(topics.map(encodeHex));
    if (!this.#host.takeTopics(this.address, after.size - before.size)) {
      throw new Refusal('limit', 'more topics than one address may have');
    }
    this.#topics = after;
    this.#host.onTopicsChanged(this, before, this.#topics);
    this.send({ kind: 'done', id });
    this.#sendAlive(topics.filter((topic) => !before.has(encodeHex(topic))));
  }

  /** Only visits the envelopes of these topics, as a client may repeat this at will. */
  #sendAlive(topics: readonly Topic[]): void {
    let sent = 0;
    for (const topic of new Map(topics.map((one) => [encodeHex(one), one])).values()) {
      for (const { bytes } of this.#host.pool.withTopic(topic)) {
        sent += bytes.length;
        if (sent > ALIVE_MOST) return;
        this.send({ kind: 'envelope', topic, envelope: bytes });
      }
    }
  }

  async #history(frame: Extract<ClientFrame, { kind: 'history' }>): Promise<void> {
    const { archive, limits } = this.#host;
    const { id, topics, from, to, cursor } = frame;
    if (archive === undefined) throw new Refusal('unsupported', 'there is no archive here');
    this.#checkTopics(topics);
    if (this.#inHistory) throw new Refusal('busy', 'one history at a time');
    this.#inHistory = true;
    try {
      const limit = Math.max(1, Math.min(frame.limit, limits.pageSize));
      const page = await archive.byTopics({ topics, from, to, limit, cursor });
      let sent = 0;
      for (const { topic, bytes } of page.envelopes) {
        this.send({ kind: 'archived', id, topic, envelope: bytes });
        sent += bytes.length;
      }
      // Answers have a cost, too: a request has a few bytes, and a page up to 4 MiB, or much that was looked at in vain.
      const cost = Math.floor(sent / BYTES_PER_COST) + Math.floor(page.lookedAt / RECORDS_PER_COST);
      this.#pay(Math.min(this.#host.limits.rate, cost));
      this.send({ kind: 'page', id, cursor: page.cursor });
    } finally {
      this.#inHistory = false;
    }
  }

  #checkTopics(topics: readonly Topic[]): void {
    const { maxTopics } = this.#host.limits;
    if (topics.length > maxTopics) throw new Refusal('limit', `more than ${maxTopics} topics`);
  }

  #sendTime(): void {
    this.send({ kind: 'time', time: this.#host.clock.now() });
  }

  #refuse(kind: string, id: number, { code, reason }: Pick<Refusal, 'code' | 'reason'>): void {
    this.#host.onFrame(kind, code);
    // The client's clock may be the reason.
    if (code === 'unacceptable') this.#sendTime();
    this.send({ kind: 'refused', id, code, reason });
  }
}

class Refusal extends Error {
  readonly code: RelayRefusalCode;
  readonly reason: string;

  constructor(code: RelayRefusalCode, reason: string) {
    super(reason);
    this.code = code;
    this.reason = reason;
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isSottoError(error, 'MALFORMED_MESSAGE')) return new Refusal('unacceptable', error.details.reason);
  if (isSottoError(error, 'LIMIT_EXCEEDED') && error.details.what === 'bytes of an envelope') {
    return new Refusal('limit', 'the envelope is too large');
  }
  // A full pool, or disk, may have room later.
  return new Refusal('busy', 'it cannot be done now');
}
