import type { Socket } from 'node:net';
import { encodeHex, type KeyPair, TokenBucket, type Topic } from '@sotto/core';
import { malformed } from '@sotto/whisper-transport/internal';
import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { matchesBloom } from '@sotto/whisper-transport/whisper';
import { decodePacket, type EncodedPacket, encodePacket, type WhisperPacket } from '../packets/packet.js';
import type { WhisperStatus } from '../packets/status.js';
import { DisconnectReason } from '../rlpx/disconnect-reason.js';
import type { NewMacHash } from '../rlpx/mac-hash.js';
import { RlpxSession } from '../rlpx/rlpx-session.js';
import { addressName } from './address-name.js';
import type { HostSettings, WhisperPeer } from './host-options.js';
import { SendQueue } from './send-queue.js';

/** Bytes in the socket from which on envelopes wait in the queue instead, where they can still expire. */
const HIGH_WATER = 512 * 1024;
/** Bytes in the socket at which a peer is let go that asks for answers and doesn't read them. */
const UNREAD_MOST = 4 * 1024 * 1024;
/** Milliseconds at least for which changes of a peer's requirements are collected before all live envelopes are offered to it again. */
const REQUIREMENTS_DELAY = 500;
/** Envelopes offered again for each millisecond that the next change waits: a peer whose requirements always change costs little. */
const OFFERED_PER_MS = 20;

export interface WhisperLinkOptions {
  readonly socket: Socket;
  readonly nodeKey: KeyPair;
  /** Our own id, 64 bytes. */
  readonly id: Uint8Array;
  /** Id of the peer when we dialled it, 64 bytes. */
  readonly remoteId: Uint8Array | undefined;
  readonly listenPort: number;
  readonly newMacHash: NewMacHash;
  readonly settings: HostSettings;
}

/** What a link reports to its host, which decides. */
export interface WhisperLinkHandler {
  /** The peer is identified. @returns our status, or why the peer is refused */
  admit(link: WhisperLink): WhisperStatus | { readonly refused: DisconnectReason };
  /** The peer's status has arrived: from now on envelopes are exchanged. */
  onReady(link: WhisperLink): void;
  /**
   * The peer's requirements have changed. Called at most twice a second, less often the more envelopes there are.
   * @returns how many envelopes were offered to it again
   */
  onRequirements(link: WhisperLink): number;
  onPacket(link: WhisperLink, packet: WhisperPacket): void;
  onViolation(link: WhisperLink, reason: string): void;
  onDropped(link: WhisperLink, envelopes: number): void;
  onSent(link: WhisperLink, envelopes: number): void;
  /** Once, at the end. */
  onClosed(link: WhisperLink, reason: string): void;
}

/** The connection with one peer: its status, the envelopes it is known to have, its queue, and its rate limits. */
export class WhisperLink implements WhisperPeer {
  readonly inbound: boolean;
  /** The name of its address by which limits count, see {@link addressName}. */
  readonly addressName: string;
  trusted = false;
  /** The status that we have sent; `undefined` before that. */
  greeting: WhisperStatus | undefined;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  readonly #session: RlpxSession;
  readonly #settings: HostSettings;
  readonly #handler: WhisperLinkHandler;
  /** Weak: bounded by the pool. */
  readonly #known = new WeakSet<PooledEnvelope>();
  readonly #queue: SendQueue;
  readonly #envelopeRate: TokenBucket;
  readonly #byteRate: TokenBucket;
  readonly #refusals: TokenBucket;
  readonly #timers = new Set<() => void>();
  #status: WhisperStatus | undefined;
  #id = '';
  #flushPlanned = false;
  #waitsForSocket = false;
  #requirementsPlanned = false;
  #requirementsDelay = REQUIREMENTS_DELAY;
  #cancelResume = () => {};
  #violation: string | undefined;
  #closed = false;
  #resolveEnded = () => {};

  constructor(options: WhisperLinkOptions, handler: WhisperLinkHandler) {
    const { settings } = options;
    const { clock, receive, ban } = settings;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.inbound = options.remoteId === undefined;
    this.addressName = addressName(options.socket.remoteAddress ?? '');
    if (options.remoteId !== undefined) this.#id = encodeHex(options.remoteId);
    this.#settings = settings;
    this.#handler = handler;
    this.#queue = new SendQueue(settings.send);
    this.#envelopeRate = new TokenBucket(clock, receive.envelopesPerSecond);
    this.#byteRate = new TokenBucket(clock, receive.bytesPerSecond);
    this.#refusals = new TokenBucket(clock, ban.refusedPerMinute / 60, ban.refusedPerMinute);
    this.#session = new RlpxSession(
      {
        ...options,
        crypto: settings.crypto,
        clock,
        clientId: settings.clientId,
        maxPacketBytes: receive.packetBytes,
      },
      {
        onReady: () => this.#greet(),
        onPacket: (packet) => this.#take(packet),
        onViolation: (reason) => this.#violated(reason),
        onClosed: () => this.#end(),
      },
    );
    this.#after(settings.handshakeTimeout, () => {
      if (this.#status === undefined) this.#session.destroy();
    });
  }

  /** Empty until the peer is identified. */
  get id(): string {
    return this.#id;
  }
  get address(): string {
    return this.#session.remoteAddress;
  }
  get clientId(): string {
    return this.#session.remoteClientId;
  }
  get lightNode(): boolean {
    return this.#status?.lightNode ?? false;
  }
  get minimumPow(): number {
    return this.#status?.minimumPow ?? 0;
  }
  get bloom(): Uint8Array | undefined {
    return this.#status?.bloom;
  }
  /** Whether envelopes are exchanged. */
  get ready(): boolean {
    return this.#status !== undefined && !this.#closed;
  }

  /** Records that the peer has an envelope. */
  markKnown(pooled: PooledEnvelope): void {
    this.#known.add(pooled);
    this.#queue.delete(pooled);
  }

  /** Whether the peer asks for such envelopes. */
  accepts({ pow, envelope }: PooledEnvelope): boolean {
    return this.ready && pow >= this.minimumPow && this.#wants(envelope.topic);
  }

  /** Queues an envelope, if the peer accepts it and is not known to have it. */
  offer(pooled: PooledEnvelope): void {
    if (this.#known.has(pooled) || !this.accepts(pooled)) return;
    const dropped = this.#queue.add(pooled);
    if (dropped > 0) this.#handler.onDropped(this, dropped);
    if (this.#flushPlanned || this.#waitsForSocket) return;
    this.#flushPlanned = true;
    this.#after(this.#settings.send.gather, () => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  /** Sends an envelope immediately. @returns whether the socket has passed it on, or the peer had it */
  async deliver(pooled: PooledEnvelope): Promise<boolean> {
    if (this.#known.has(pooled)) return true;
    if (!this.accepts(pooled)) return false;
    this.#queue.delete(pooled);
    if (!this.#sendEnvelopes([pooled])) return false;
    return this.#session.flushed();
  }

  /** Sends a packet. Resolves when the socket has room for more, with whether the connection still exists. */
  async send(packet: WhisperPacket): Promise<boolean> {
    if (this.#session.backlog > UNREAD_MOST) {
      this.disconnect(DisconnectReason.TIMEOUT);
      return false;
    }
    if (!this.ready || !this.#session.send(encodePacket(packet))) return false;
    return this.#session.backlog > HIGH_WATER ? this.#session.flushed() : true;
  }

  /** Counts a refused envelope. @returns false when there were too many */
  tolerate(): boolean {
    return this.#refusals.take(1) === 0;
  }

  disconnect(reason: DisconnectReason): void {
    this.#session.disconnect(reason);
    // Before the hellos no reason can be sent.
    if (this.#session.remoteClientId === '') this.#session.destroy();
  }

  #wants(topic: Topic): boolean {
    return this.bloom === undefined || matchesBloom(this.bloom, topic);
  }

  #greet(): void {
    this.#id = this.#session.remoteIdHex;
    const answer = this.#handler.admit(this);
    if ('refused' in answer) this.#session.disconnect(answer.refused);
    else {
      this.greeting = answer;
      this.#session.send(encodePacket({ kind: 'status', status: answer }));
    }
  }

  #take(encoded: EncodedPacket): void {
    const packet = decodePacket(encoded);
    if ((packet?.kind === 'status') !== (this.#status === undefined)) {
      throw malformed(
        'status',
        this.#status === undefined ? 'it has to be the first packet' : 'it was sent before',
      );
    }
    const envelopes = packet !== undefined && 'envelopes' in packet ? packet.envelopes.length : 0;
    this.#throttle(1 + envelopes, encoded.body.length);
    if (packet?.kind === 'status') {
      this.#status = packet.status;
      this.#handler.onReady(this);
    } else if (packet?.kind === 'powRequirement' || packet?.kind === 'bloom') {
      const { kind: _, ...change } = packet;
      this.#status = { ...(this.#status as WhisperStatus), ...change };
      this.#planRequirements();
    } else if (packet !== undefined) {
      this.#handler.onPacket(this, packet);
    }
  }

  /** Stops reading until the peer is within its rate limits again. */
  #throttle(envelopes: number, bytes: number): void {
    const wait = Math.max(this.#envelopeRate.take(envelopes), this.#byteRate.take(bytes));
    if (wait === 0) return;
    this.#session.pause();
    this.#cancelResume();
    this.#cancelResume = this.#after(wait, () => this.#session.resume());
  }

  #planRequirements(): void {
    if (this.#requirementsPlanned) return;
    this.#requirementsPlanned = true;
    this.#after(this.#requirementsDelay, () => {
      this.#requirementsPlanned = false;
      const offered = this.#handler.onRequirements(this);
      this.#requirementsDelay = Math.max(REQUIREMENTS_DELAY, offered / OFFERED_PER_MS);
    });
  }

  #flush(): void {
    while (this.ready && this.#queue.size > 0) {
      if (this.#session.backlog > HIGH_WATER) {
        this.#waitsForSocket = true;
        void this.#session.flushed().then(() => {
          this.#waitsForSocket = false;
          this.#flush();
        });
        return;
      }
      const batch = this.#queue.takeBatch(Math.floor(this.#settings.clock.now() / 1000));
      // The peer's requirements may have changed meanwhile.
      const wanted = batch.filter((pooled) => this.accepts(pooled));
      if (wanted.length > 0 && !this.#sendEnvelopes(wanted)) return;
    }
  }

  #sendEnvelopes(batch: readonly PooledEnvelope[]): boolean {
    const envelopes = batch.map(({ bytes }) => bytes);
    if (!this.#session.send(encodePacket({ kind: 'envelopes', envelopes }))) return false;
    for (const pooled of batch) this.#known.add(pooled);
    this.#handler.onSent(this, batch.length);
    return true;
  }

  #violated(reason: string): void {
    this.#violation = reason;
    this.#handler.onViolation(this, reason);
  }

  #after(milliseconds: number, run: () => void): () => void {
    const cancel = this.#settings.clock.after(milliseconds, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
    return cancel;
  }

  #end(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#queue.clear();
    this.#handler.onClosed(this, this.#violation ?? this.#session.endReason ?? 'the connection was lost');
    this.#resolveEnded();
  }
}
