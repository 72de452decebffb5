import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodeHex, type KeyPair, SottoError } from '@sotto/core';
import { matchesBloom } from '../bloom.js';
import { decodeEnvelope } from '../envelope/envelope.js';
import { peekTopic } from '../envelope/peek-topic.js';
import { EnvelopePool, type PooledEnvelope } from '../envelope-pool.js';
import { BanList } from './ban-list.js';
import { Dialer } from './dialer.js';
import { type Enode, enodeId, formatEnode, parseEnode } from './enode.js';
import {
  type DirectEnvelope,
  type HostSettings,
  nodeKeyOf,
  settingsOf,
  type WhisperHostOptions,
  type WhisperPeer,
} from './host-options.js';
import { isPeersFault } from './judge-envelope.js';
import type { WhisperPacket } from './packet.js';
import { DISCONNECT_REASON } from './rlpx-session.js';
import type { WhisperStatus } from './status.js';
import { WhisperLink, type WhisperLinkHandler } from './whisper-link.js';

/** Callers that are let in at once while nobody knows yet who they are: each costs a handshake. */
const MAX_UNKNOWN_CALLERS = 32;
/** Milliseconds for which peers may still send by the requirements that we had before, as deployed nodes have it. */
const CHANGE_TOLERANCE = 10_000;

/** What a host has done since it was made, for its operator. */
export interface WhisperHostCounters {
  /** Envelopes that peers sent and that were new. */
  received: number;
  /** Envelopes that peers sent and that were known. */
  repeated: number;
  /** Envelopes that peers sent and that were refused, or not asked for. */
  refused: number;
  /** Envelopes handed to a peer, counted for each. */
  sent: number;
  /** Envelopes that had to go from a peer's queue for newer ones. */
  dropped: number;
  /** Times that a peer was banned. */
  bans: number;
}

/** A node of the Whisper network: peers, and the envelopes that go between them. */
export interface WhisperHost {
  /** Our own id: 128 hex digits. */
  readonly id: string;
  /** URL by which others reach it, with the real port; `undefined` when it does not listen. */
  readonly enode: string | undefined;
  /** Who is connected and has said its status. */
  readonly peers: readonly WhisperPeer[];
  readonly pool: EnvelopePool;
  readonly counters: Readonly<WhisperHostCounters>;
  /**
   * Calls a peer, and again whenever it is gone.
   * @throws INVALID_TEXT, CLOSED
   */
  addPeer(enode: string, options?: { readonly trusted?: boolean }): void;
  /** Calls it no more, trusts it no more, and disconnects it. @throws INVALID_TEXT */
  removePeer(enode: string): void;
  /** Takes p2p messages from a peer from now on, by its id or enode URL. @throws INVALID_TEXT */
  trustPeer(idOrEnode: string): void;
  /**
   * Puts an envelope into the pool and sends it to all peers that take it. True as soon as one of them has it, as far
   * as the socket can tell; false when no peer does, in which case those who come later get it while it lives.
   *
   * @throws what {@link EnvelopePool.add} throws
   */
  publish(envelope: Uint8Array, origin?: unknown): Promise<boolean>;
  /** Tells all peers which topics are wanted, 64 bytes; `undefined` for all. */
  setBloom(bloom: Uint8Array | undefined): void;
  /** Tells all peers the least proof of work that is taken, and the pool too. @throws INVALID_ARGUMENT */
  setMinimumPow(minimumPow: number): void;
  /**
   * Asks a mailbox, by its id; it must be trusted for its answer to be taken. Resolves when the socket has it.
   * @throws NOT_FOUND for who is not connected; TRANSPORT_UNAVAILABLE when the connection ends meanwhile
   */
  sendP2pRequest(peerId: string, envelope: Uint8Array): Promise<void>;
  /** Sends envelopes to one peer alone, one a packet, as fast as it takes them. @throws as `sendP2pRequest` */
  sendP2pMessages(peerId: string, envelopes: Iterable<Uint8Array>): Promise<void>;
  /** Says that a request was answered. @throws as `sendP2pRequest` */
  sendRequestComplete(peerId: string, payload: Uint8Array): Promise<void>;
  /** Says goodbye to all and closes. Closing twice is fine. */
  close(): Promise<void>;
}

/**
 * Starts a node that speaks `shh/6` over devp2p. Resolves when it listens, if it is to; peers are called meanwhile.
 *
 * @throws INVALID_TEXT for an enode URL; INVALID_ARGUMENT, INVALID_LENGTH, INVALID_PRIVATE_KEY for other options;
 * TRANSPORT_UNAVAILABLE when it can't listen there
 */
export async function createWhisperHost(options: WhisperHostOptions = {}): Promise<WhisperHost> {
  const host = new Host(options);
  try {
    await host.listen();
  } catch (cause) {
    await host.close();
    const reason = `can't listen: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`;
    throw new SottoError('TRANSPORT_UNAVAILABLE', `The host ${reason}.`, { reason }, { cause });
  }
  return host;
}

class Host implements WhisperHost, WhisperLinkHandler {
  readonly id: string;
  readonly pool: EnvelopePool;
  readonly counters: WhisperHostCounters = {
    received: 0,
    repeated: 0,
    refused: 0,
    sent: 0,
    dropped: 0,
    bans: 0,
  };
  readonly #options: WhisperHostOptions;
  readonly #settings: HostSettings;
  readonly #nodeKey: KeyPair;
  readonly #idBytes: Uint8Array;
  readonly #ownsPool: boolean;
  readonly #unsubscribe: () => void;
  readonly #bans: BanList;
  readonly #dialer: Dialer;
  readonly #trusted = new Set<string>();
  /** All connections, with those that nobody knows yet. */
  readonly #links = new Set<WhisperLink>();
  /** Those that are ready, by id. */
  readonly #peers = new Map<string, WhisperLink>();
  /** What peers brought: in light mode not handed on. */
  readonly #foreign = new WeakSet<PooledEnvelope>();
  #server: Server | undefined;
  #bloom: Uint8Array | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: WhisperHostOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
    const { crypto, clock, backOff, handshakeTimeout } = this.#settings;
    this.#nodeKey = nodeKeyOf(crypto, options.nodeKey);
    this.id = enodeId(crypto, this.#nodeKey.publicKey);
    this.#idBytes = decodeHex(this.id);
    const trusted = (options.trustedPeers ?? []).map((url) => parseEnode(crypto, url));
    const wanted = [...(options.peers ?? []).map((url) => parseEnode(crypto, url)), ...trusted];
    for (const { id } of trusted) this.#trusted.add(id);
    this.#bloom = options.bloom;
    this.#bans = new BanList(clock);
    this.#ownsPool = options.pool === undefined;
    this.pool = options.pool ?? new EnvelopePool({ crypto, clock });
    this.#unsubscribe = this.pool.subscribe((pooled, origin) => this.#spread(pooled, origin));
    this.#dialer = new Dialer({
      clock,
      random: crypto.randomBytes,
      backOff,
      timeout: handshakeTimeout,
      bannedFor: (id) => this.#bans.remaining(id),
      isConnected: (id) => this.#peers.has(id),
      onSocket: (socket, enode, gone) => this.#connected(socket, enode, gone),
    });
    for (const enode of wanted) this.#dialer.add(enode);
  }

  async listen(): Promise<void> {
    const { listen } = this.#options;
    if (listen === undefined) return;
    const server = createServer((socket) => this.#called(socket));
    this.#server = server;
    server.listen({ host: listen.host ?? '127.0.0.1', port: listen.port });
    await once(server, 'listening');
  }

  get #port(): number {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  get enode(): string | undefined {
    if (this.#port === 0) return undefined;
    const listening = this.#options.listen?.host ?? '127.0.0.1';
    const everywhere = listening === '0.0.0.0' || listening === '::';
    const host = this.#options.advertisedHost ?? (everywhere ? '127.0.0.1' : listening);
    return formatEnode({ id: this.id, host, port: this.#port });
  }

  get peers(): readonly WhisperPeer[] {
    return [...this.#peers.values()];
  }

  addPeer(url: string, { trusted = false }: { readonly trusted?: boolean } = {}): void {
    if (this.#closed) throw closed();
    const enode = parseEnode(this.#settings.crypto, url);
    if (trusted) this.#trust(enode.id);
    this.#dialer.add(enode);
  }

  removePeer(url: string): void {
    const { id } = parseEnode(this.#settings.crypto, url);
    this.#dialer.delete(id);
    this.#trusted.delete(id);
    this.#peers.get(id)?.disconnect(DISCONNECT_REASON.DISCONNECT_REQUESTED);
  }

  trustPeer(idOrEnode: string): void {
    const isId = /^[0-9a-fA-F]{128}$/.test(idOrEnode);
    this.#trust(isId ? idOrEnode.toLowerCase() : parseEnode(this.#settings.crypto, idOrEnode).id);
  }

  #trust(id: string): void {
    this.#trusted.add(id);
    const link = this.#peers.get(id);
    if (link !== undefined) link.trusted = true;
  }

  async publish(envelope: Uint8Array, origin?: unknown): Promise<boolean> {
    if (this.#closed) throw closed();
    const { pooled } = this.pool.offer(envelope, origin);
    if (pooled === undefined) return false;
    return anyTrue([...this.#peers.values()].map((link) => link.deliver(pooled)));
  }

  setBloom(bloom: Uint8Array | undefined): void {
    this.#bloom = bloom;
    this.#announce({ kind: 'bloom', bloom });
  }

  setMinimumPow(minimumPow: number): void {
    if (!Number.isFinite(minimumPow) || minimumPow < 0) {
      const reason = 'not a number that is 0 or more';
      throw new SottoError('INVALID_ARGUMENT', 'No such proof of work.', { what: 'minimumPow', reason });
    }
    this.pool.setPolicy({ minimumPow });
    this.#announce({ kind: 'powRequirement', minimumPow });
  }

  #announce(packet: WhisperPacket): void {
    this.#changedAt = this.#settings.clock.now();
    for (const link of this.#peers.values()) void link.send(packet);
  }

  /** Tells a peer what has changed since it was greeted. */
  #correct(link: WhisperLink): void {
    const { minimumPow } = this.pool.policy;
    if (link.greeting?.minimumPow !== minimumPow) void link.send({ kind: 'powRequirement', minimumPow });
    if (link.greeting?.bloom !== this.#bloom) void link.send({ kind: 'bloom', bloom: this.#bloom });
  }

  async sendP2pRequest(peerId: string, envelope: Uint8Array): Promise<void> {
    await this.#sendTo(peerId, { kind: 'p2pRequest', envelope });
  }

  async sendP2pMessages(peerId: string, envelopes: Iterable<Uint8Array>): Promise<void> {
    for (const envelope of envelopes) {
      await this.#sendTo(peerId, { kind: 'p2pMessages', envelopes: [envelope] });
    }
  }

  async sendRequestComplete(peerId: string, payload: Uint8Array): Promise<void> {
    await this.#sendTo(peerId, { kind: 'requestComplete', payload });
  }

  async #sendTo(peerId: string, packet: WhisperPacket): Promise<void> {
    const link = this.#peers.get(peerId.toLowerCase());
    if (link === undefined) {
      throw new SottoError('NOT_FOUND', 'This peer is not connected.', { what: 'peer', id: peerId });
    }
    if (await link.send(packet)) return;
    const reason = 'the peer has gone';
    throw new SottoError('TRANSPORT_UNAVAILABLE', `Not sent: ${reason}.`, { reason });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#dialer.close();
    this.#unsubscribe();
    if (this.#ownsPool) this.pool.close();
    const server = this.#server;
    this.#server = undefined;
    const gone = [...this.#links].map((link) => link.ended);
    for (const link of this.#links) link.disconnect(DISCONNECT_REASON.CLIENT_QUITTING);
    await Promise.all(gone);
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  // Connections

  #called(socket: Socket): void {
    const unknown = [...this.#links].filter((link) => link.inbound && !link.ready).length;
    if (this.#closed || unknown >= MAX_UNKNOWN_CALLERS) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#link(socket, undefined);
  }

  #connected(socket: Socket, enode: Enode, gone: () => void): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    void this.#link(socket, decodeHex(enode.id)).ended.then(gone);
  }

  #link(socket: Socket, remoteId: Uint8Array | undefined): WhisperLink {
    const link = new WhisperLink(
      {
        socket,
        nodeKey: this.#nodeKey,
        id: this.#idBytes,
        remoteId,
        listenPort: this.#port,
        settings: this.#settings,
      },
      this,
    );
    this.#links.add(link);
    return link;
  }

  admit(link: WhisperLink): WhisperStatus | { readonly refused: DISCONNECT_REASON } {
    const refused = this.#refusal(link);
    if (refused !== undefined) return { refused };
    link.trusted = this.#trusted.has(link.id);
    return {
      minimumPow: this.pool.policy.minimumPow,
      bloom: this.#bloom,
      lightNode: this.#settings.mode === 'light',
    };
  }

  #refusal(link: WhisperLink): DISCONNECT_REASON | undefined {
    const { id } = link;
    if (this.#closed) return DISCONNECT_REASON.CLIENT_QUITTING;
    if (id === this.id) return DISCONNECT_REASON.SAME_IDENTITY;
    if (this.#bans.remaining(id) > 0) return DISCONNECT_REASON.USELESS_PEER;
    if (this.#peers.has(id)) return DISCONNECT_REASON.ALREADY_CONNECTED;
    if (this.#isInvited(link)) return undefined;
    const callers = [...this.#peers.values()].filter((peer) => !this.#isInvited(peer)).length;
    return callers >= this.#settings.maxPeers ? DISCONNECT_REASON.TOO_MANY_PEERS : undefined;
  }

  #isInvited({ id, inbound }: WhisperLink): boolean {
    return !inbound || this.#trusted.has(id) || this.#dialer.has(id);
  }

  onReady(link: WhisperLink): void {
    const known = this.#peers.get(link.id);
    if (known !== undefined) {
      // Each has called the other at the same moment: both keep the call of the greater id.
      const byGreater = (one: WhisperLink) => one.inbound === link.id > this.id;
      if (!byGreater(link) || byGreater(known)) {
        link.disconnect(DISCONNECT_REASON.ALREADY_CONNECTED);
        return;
      }
      known.disconnect(DISCONNECT_REASON.ALREADY_CONNECTED);
      this.#forget(known, 'it is connected twice');
    }
    this.#peers.set(link.id, link);
    this.#correct(link);
    this.#settings.logger.info('whisper.peer-connected', { peer: link.id, address: link.address });
    this.#tell(() => this.#options.onPeer?.(link));
    this.#offerAll(link);
  }

  onClosed(link: WhisperLink, reason: string): void {
    this.#links.delete(link);
    if (this.#peers.get(link.id) === link) this.#forget(link, reason);
    else this.#settings.logger.debug('whisper.peer-not-connected', { peer: link.id, reason });
  }

  #forget(link: WhisperLink, reason: string): void {
    this.#peers.delete(link.id);
    this.#settings.logger.info('whisper.peer-gone', { peer: link.id, reason });
    this.#tell(() => this.#options.onPeerGone?.(link, reason));
  }

  onDropped(_link: WhisperLink, envelopes: number): void {
    this.counters.dropped += envelopes;
  }

  onSent(_link: WhisperLink, envelopes: number): void {
    this.counters.sent += envelopes;
  }

  onViolation(link: WhisperLink, reason: string): void {
    const { logger, ban } = this.#settings;
    logger.warn('whisper.peer-violation', { peer: link.id, address: link.address, reason });
    // Who is not known yet can't be banned; who is trusted gets another chance.
    if (link.id === '' || this.#trusted.has(link.id)) return;
    this.#bans.ban(link.id, ban.duration);
    this.counters.bans++;
  }

  // Envelopes

  /** Offers an envelope that has come in to all who may not have it. */
  #spread(pooled: PooledEnvelope, origin: unknown): void {
    if (origin instanceof WhisperLink) {
      this.#foreign.add(pooled);
      origin.markKnown(pooled);
      if (this.#settings.mode === 'light') return;
    }
    for (const link of this.#peers.values()) link.offer(pooled);
  }

  onRequirements(link: WhisperLink): void {
    this.#tell(() => this.#options.onPeerChange?.(link));
    this.#offerAll(link);
  }

  /** A peer is new, or asks for something else: it may want what is alive. */
  #offerAll(link: WhisperLink): void {
    const light = this.#settings.mode === 'light';
    for (const pooled of this.pool) if (!light || !this.#foreign.has(pooled)) link.offer(pooled);
  }

  onPacket(link: WhisperLink, packet: WhisperPacket): void {
    const { onP2pRequest, onP2pMessages, onRequestComplete } = this.#options;
    switch (packet.kind) {
      case 'envelopes':
        for (const envelope of packet.envelopes) this.#receive(link, envelope);
        break;
      case 'p2pRequest': {
        const request = direct(packet.envelope);
        this.#tell(() => onP2pRequest?.(link, request));
        break;
      }
      case 'p2pMessages': {
        if (!link.trusted) break;
        const messages = packet.envelopes.map(direct);
        this.#tell(() => onP2pMessages?.(link, messages));
        break;
      }
      case 'requestComplete':
        if (link.trusted) this.#tell(() => onRequestComplete?.(link, packet.payload));
        break;
    }
  }

  #receive(link: WhisperLink, bytes: Uint8Array): void {
    const { counters, pool } = this;
    const topic = peekTopic(bytes);
    if (topic !== undefined && this.#bloom !== undefined && !matchesBloom(this.#bloom, topic)) {
      // A neighbour may not have heard yet what is wanted; how much it sends is limited anyhow.
      counters.refused++;
      return;
    }
    try {
      const { pooled, isNew } = pool.offer(bytes, link);
      if (isNew) counters.received++;
      else counters.repeated++;
      if (pooled !== undefined) link.markKnown(pooled);
    } catch (error) {
      counters.refused++;
      const { clock, ban } = this.#settings;
      const now = clock.now();
      const blamed = isPeersFault(error, bytes, Math.floor(now / 1000), ban.expiryTolerance, pool.policy);
      if (blamed && now - this.#changedAt >= CHANGE_TOLERANCE && !link.tolerate()) throw error;
    }
  }

  /** Runs a hook: what it throws is not the peer's doing. */
  #tell(run: () => void | Promise<void> | undefined): void {
    const { logger } = this.#settings;
    const failed = (error: unknown) =>
      logger.error('whisper.hook-failed', { error: error instanceof Error ? error.name : typeof error });
    try {
      run()?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** As soon as one of them is true, or all are false. */
function anyTrue(promises: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve) => {
    for (const promise of promises) void promise.then((value) => value && resolve(true));
    void Promise.all(promises).then((values) => resolve(values.includes(true)));
  });
}

function direct(bytes: Uint8Array): DirectEnvelope {
  return { bytes: bytes.slice(), envelope: decodeEnvelope(bytes) };
}

function closed(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The host was closed.', { what: 'host' });
}
