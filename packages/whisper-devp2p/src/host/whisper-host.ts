import type { Socket } from 'node:net';
import { copyBytes, decodeHex, type KeyPair, SottoError } from '@sotto/core';
import { readable } from '@sotto/whisper-transport/internal';
import { decodeEnvelope, EnvelopePool } from '@sotto/whisper-transport/whisper';
import { decodeBareMailRequest } from '../mail/request.js';
import type { WhisperPacket } from '../packets/packet.js';
import type { WhisperStatus } from '../packets/status.js';
import { DisconnectReason } from '../rlpx/disconnect-reason.js';
import { macHashes } from '../rlpx/mac-hash.js';
import { BanList } from './ban-list.js';
import { Dialer } from './dialer.js';
import { type Enode, enodeId, formatEnode, parseEnode } from './enode.js';
import { EnvelopeExchange } from './envelope-exchange.js';
import {
  type DirectEnvelope,
  type HostSettings,
  nodeKeyOf,
  settingsOf,
  type WhisperHostCounters,
  type WhisperHostOptions,
  type WhisperPeer,
} from './host-options.js';
import { PeerListener } from './peer-listener.js';
import { PeerTable } from './peer-table.js';
import { WhisperLink, type WhisperLinkHandler } from './whisper-link.js';

/** A host in the Whisper network: it connects to peers and exchanges envelopes with them. */
export interface WhisperHost {
  /** Our own id: 128 hex digits. */
  readonly id: string;
  /** Its `enode://` URL, with the actual port; `undefined` when it doesn't listen. */
  readonly enode: string | undefined;
  /** The connected peers whose status is known. */
  readonly peers: readonly WhisperPeer[];
  /** The live envelopes. */
  readonly pool: EnvelopePool;
  /** What the host has done since it was created. */
  readonly counters: Readonly<WhisperHostCounters>;
  /**
   * Dials a peer, and again whenever it is gone.
   * @throws INVALID_TEXT, CLOSED
   */
  addPeer(enode: string, options?: { readonly trusted?: boolean | undefined }): void;
  /** Stops dialling and trusting a peer, and disconnects it. @throws INVALID_TEXT */
  removePeer(enode: string): void;
  /** Accepts p2p messages of a peer from now on, given by id or enode URL. @throws INVALID_TEXT */
  trustPeer(idOrEnode: string): void;
  /**
   * Adds an envelope to the pool and sends it to all peers that accept it. Resolves with true as soon as the socket of one of them has
   * passed it on; with false when no peer accepts it, in which case peers that connect later receive it until it expires.
   *
   * @throws as {@link EnvelopePool.add} does
   */
  publish(envelope: Uint8Array, origin?: unknown): Promise<boolean>;
  /** Tells all peers which topics are wanted: a bloom filter, 64 bytes; `undefined` for all. */
  setBloom(bloom: Uint8Array | undefined): void;
  /** Sets the least proof of work that the pool accepts, and tells all peers. @throws INVALID_ARGUMENT */
  setMinimumPow(minimumPow: number): void;
  /**
   * Sends a request to a mailserver, by its id. It has to be trusted, or its answer is ignored. Resolves when the socket has it.
   * @throws NOT_FOUND when it is not connected; TRANSPORT_UNAVAILABLE when the connection ends meanwhile
   */
  sendP2pRequest(peerId: string, envelope: Uint8Array): Promise<void>;
  /**
   * Sends envelopes to one peer alone, as fast as it reads them: one a packet, or with `batch` as many as fit into half a MiB.
   * @throws as `sendP2pRequest` does
   */
  sendP2pMessages(
    peerId: string,
    envelopes: Iterable<Uint8Array>,
    options?: { readonly batch?: boolean | undefined },
  ): Promise<void>;
  /** Tells a peer that its request was answered. @throws as `sendP2pRequest` does */
  sendRequestComplete(peerId: string, payload: Uint8Array): Promise<void>;
  /** Disconnects all peers and closes. Closing twice is fine. */
  close(): Promise<void>;
}

/**
 * Starts a host that speaks `shh/6` over devp2p. Resolves when it listens, if it is to; peers are dialled in the background.
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
    const reason = `cannot listen: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`;
    throw new SottoError('TRANSPORT_UNAVAILABLE', `The host ${reason}.`, { reason }, { cause });
  }
  return host;
}

/** Most bytes of envelopes in a batch: deployed nodes accept packets of 1 MiB. */
const BATCH_BYTES = 2 ** 19;

class Host implements WhisperHost, WhisperLinkHandler {
  readonly id: string;
  readonly pool: EnvelopePool;
  readonly #options: WhisperHostOptions;
  readonly #settings: HostSettings;
  readonly #nodeKey: KeyPair;
  readonly #newMacHash = macHashes();
  readonly #idBytes: Uint8Array;
  readonly #ownsPool: boolean;
  readonly #bans: BanList;
  readonly #dialer: Dialer;
  readonly #peers: PeerTable;
  readonly #exchange: EnvelopeExchange;
  readonly #listener: PeerListener;
  #closed = false;

  constructor(options: WhisperHostOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
    const { crypto, clock, backOff, handshakeTimeout, maxPeers, maxPeersPerAddress } = this.#settings;
    this.#nodeKey = nodeKeyOf(crypto, options.nodeKey);
    this.id = enodeId(crypto, this.#nodeKey.publicKey);
    this.#idBytes = decodeHex(this.id);
    const trusted = (options.trustedPeers ?? []).map((url) => parseEnode(crypto, url));
    const wanted = [...(options.peers ?? []).map((url) => parseEnode(crypto, url)), ...trusted];
    this.#bans = new BanList(clock);
    this.#ownsPool = options.pool === undefined;
    this.pool = options.pool ?? new EnvelopePool({ crypto, clock });
    this.#peers = new PeerTable({
      id: this.id,
      maxPeers,
      maxPeersPerAddress,
      bans: this.#bans,
      trusted: trusted.map(({ id }) => id),
      isDialed: (id) => this.#dialer.has(id),
      onGone: (link, reason) => this.#disconnected(link, reason),
    });
    this.#exchange = new EnvelopeExchange({
      settings: this.#settings,
      pool: this.pool,
      bloom: options.bloom,
      peers: this.#peers,
    });
    this.#dialer = new Dialer({
      clock,
      random: crypto.randomBytes,
      backOff,
      timeout: handshakeTimeout,
      bannedFor: (id) => this.#bans.remaining(id),
      isConnected: (id) => this.#peers.get(id) !== undefined,
      onSocket: (socket, enode, onEnded) => this.#dialed(socket, enode, onEnded),
    });
    this.#listener = new PeerListener(options, (socket) => this.#accept(socket));
    for (const enode of wanted) this.#dialer.add(enode);
  }

  listen(): Promise<void> {
    return this.#listener.open();
  }

  get enode(): string | undefined {
    const { host, port } = this.#listener;
    return port === 0 ? undefined : formatEnode({ id: this.id, host, port });
  }

  get peers(): readonly WhisperPeer[] {
    return [...this.#peers];
  }

  get counters(): Readonly<WhisperHostCounters> {
    return this.#exchange.counters;
  }

  addPeer(url: string, { trusted = false }: { readonly trusted?: boolean } = {}): void {
    if (this.#closed) throw closed();
    const enode = parseEnode(this.#settings.crypto, url);
    if (trusted) this.#peers.trust(enode.id);
    this.#dialer.add(enode);
  }

  removePeer(url: string): void {
    const { id } = parseEnode(this.#settings.crypto, url);
    this.#dialer.delete(id);
    this.#peers.distrust(id);
    this.#peers.get(id)?.disconnect(DisconnectReason.DISCONNECT_REQUESTED);
  }

  trustPeer(idOrEnode: string): void {
    const isId = /^[0-9a-fA-F]{128}$/.test(idOrEnode);
    this.#peers.trust(isId ? idOrEnode.toLowerCase() : parseEnode(this.#settings.crypto, idOrEnode).id);
  }

  async publish(envelope: Uint8Array, origin?: unknown): Promise<boolean> {
    if (this.#closed) throw closed();
    return this.#exchange.publish(envelope, origin);
  }

  setBloom(bloom: Uint8Array | undefined): void {
    this.#exchange.setBloom(bloom);
  }

  setMinimumPow(minimumPow: number): void {
    this.#exchange.setMinimumPow(minimumPow);
  }

  async sendP2pRequest(peerId: string, envelope: Uint8Array): Promise<void> {
    await this.#sendTo(peerId, { kind: 'p2pRequest', envelope });
  }

  async sendP2pMessages(
    peerId: string,
    envelopes: Iterable<Uint8Array>,
    { batch = false }: { readonly batch?: boolean } = {},
  ): Promise<void> {
    for (const part of inBatches(envelopes, batch ? BATCH_BYTES : 0)) {
      await this.#sendTo(peerId, { kind: 'p2pMessages', envelopes: part });
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
    this.#exchange.close();
    if (this.#ownsPool) this.pool.close();
    const stoppedListening = this.#listener.close();
    const { links } = this.#peers;
    const ended = links.map((link) => link.ended);
    for (const link of links) link.disconnect(DisconnectReason.CLIENT_QUITTING);
    await Promise.all([stoppedListening, ...ended]);
  }

  // Connections

  #accept(socket: Socket): void {
    if (this.#closed || !this.#peers.admits(socket.remoteAddress ?? '')) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#link(socket, undefined);
  }

  #dialed(socket: Socket, enode: Enode, onEnded: () => void): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    void this.#link(socket, decodeHex(enode.id)).ended.then(onEnded);
  }

  #link(socket: Socket, remoteId: Uint8Array | undefined): WhisperLink {
    const link = new WhisperLink(
      {
        socket,
        nodeKey: this.#nodeKey,
        id: this.#idBytes,
        remoteId,
        listenPort: this.#listener.port,
        newMacHash: this.#newMacHash,
        settings: this.#settings,
      },
      this,
    );
    this.#peers.addLink(link);
    return link;
  }

  admit(link: WhisperLink): WhisperStatus | { readonly refused: DisconnectReason } {
    const refused = this.#closed ? DisconnectReason.CLIENT_QUITTING : this.#peers.refusal(link);
    if (refused !== undefined) return { refused };
    link.trusted = this.#peers.isTrusted(link.id);
    return {
      minimumPow: this.pool.policy.minimumPow,
      bloom: this.#exchange.bloom,
      lightNode: this.#settings.mode === 'light',
    };
  }

  onReady(link: WhisperLink): void {
    if (!this.#peers.add(link)) return;
    this.#exchange.correct(link);
    this.#settings.logger.info('whisper.peer-connected', { peer: link.id, address: link.address });
    this.#notify(() => this.#options.onPeer?.(link));
    this.#exchange.offerAll(link);
  }

  onClosed(link: WhisperLink, reason: string): void {
    if (this.#peers.delete(link, reason)) return;
    this.#settings.logger.debug('whisper.peer-not-connected', { peer: link.id, reason });
  }

  #disconnected(link: WhisperLink, reason: string): void {
    this.#settings.logger.info('whisper.peer-gone', { peer: link.id, reason });
    this.#notify(() => this.#options.onPeerGone?.(link, reason));
  }

  onDropped(_link: WhisperLink, envelopes: number): void {
    this.#exchange.counters.dropped += envelopes;
  }

  onSent(_link: WhisperLink, envelopes: number): void {
    this.#exchange.counters.sent += envelopes;
  }

  onViolation(link: WhisperLink, reason: string): void {
    const { logger, ban } = this.#settings;
    logger.warn('whisper.peer-violation', { peer: link.id, address: link.address, reason });
    // An unidentified peer can't be banned; a trusted one gets another chance.
    if (link.id === '' || this.#peers.isTrusted(link.id)) return;
    this.#bans.ban(link.id, ban.duration);
    this.#exchange.counters.bans++;
  }

  onRequirements(link: WhisperLink): number {
    this.#notify(() => this.#options.onPeerChange?.(link));
    return this.#exchange.offerAll(link);
  }

  onPacket(link: WhisperLink, packet: WhisperPacket): void {
    const { onEnvelope, onP2pRequest, onBareRequest, onP2pMessages, onRequestComplete } = this.#options;
    switch (packet.kind) {
      case 'envelopes':
        for (const envelope of packet.envelopes) {
          if (onEnvelope !== undefined) {
            // No one is banned for what can't be read: there may be forms that we don't know.
            const read = readable(() => decodeEnvelope(envelope));
            if (read !== undefined) this.#notify(() => onEnvelope(link, read));
          }
          this.#exchange.receive(link, envelope);
        }
        break;
      case 'p2pRequest': {
        const request = direct(packet.envelope);
        this.#notify(() => onP2pRequest?.(link, request));
        break;
      }
      case 'bareRequest': {
        const request = readable(() => decodeBareMailRequest(packet.body));
        if (request !== undefined) this.#notify(() => onBareRequest?.(link, request));
        break;
      }
      case 'p2pMessages': {
        if (!link.trusted) break;
        const messages = packet.envelopes.map(direct);
        this.#notify(() => onP2pMessages?.(link, messages));
        break;
      }
      case 'requestComplete':
        if (link.trusted) this.#notify(() => onRequestComplete?.(link, packet.payload));
        break;
    }
  }

  /** Calls a hook; its errors are not the peer's fault. */
  #notify(run: () => void | Promise<void> | undefined): void {
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

/** Batches of up to `most` bytes; a larger envelope is a batch of its own. */
function* inBatches(envelopes: Iterable<Uint8Array>, most: number): Iterable<Uint8Array[]> {
  let part: Uint8Array[] = [];
  let size = 0;
  for (const envelope of envelopes) {
    if (part.length > 0 && size + envelope.length > most) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(envelope);
    size += envelope.length;
  }
  if (part.length > 0) yield part;
}

function direct(bytes: Uint8Array): DirectEnvelope {
  return { bytes: copyBytes(bytes), envelope: decodeEnvelope(bytes) };
}

function closed(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The host was closed.', { what: 'host' });
}
