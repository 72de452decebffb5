import { DisconnectReason } from '../rlpx/disconnect-reason.js';
import { addressName } from './address-name.js';
import type { BanList } from './ban-list.js';
import type { WhisperLink } from './whisper-link.js';

/** Most inbound connections that are not identified yet: each costs a handshake. */
const MAX_UNIDENTIFIED = 32;
/** Most of them from one address, so that others can still connect. */
const MAX_UNIDENTIFIED_PER_ADDRESS = 16;

export interface PeerTableOptions {
  /** Our own id, 128 hex digits. */
  readonly id: string;
  /** Most inbound peers. */
  readonly maxPeers: number;
  /** Most of them from one address. */
  readonly maxPeersPerAddress: number;
  readonly bans: BanList;
  /** Ids of peers whose p2p messages are accepted. */
  readonly trusted: Iterable<string>;
  /** Whether we dial this peer. */
  readonly isDialed: (id: string) => boolean;
  /** A peer that was ready has disconnected. */
  readonly onGone: (link: WhisperLink, reason: string) => void;
}

/** All connections: which peers are ready, which are accepted, and which are trusted. */
export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #trusted: Set<string>;
  /** All connections, including those not identified yet. */
  readonly #links = new Set<WhisperLink>();
  /** Peers that are ready, by id. */
  readonly #peers = new Map<string, WhisperLink>();

  constructor(options: PeerTableOptions) {
    this.#options = options;
    this.#trusted = new Set(options.trusted);
  }

  /** Iterates over the peers that are ready. */
  [Symbol.iterator](): IterableIterator<WhisperLink> {
    return this.#peers.values();
  }

  /** All connections, including those not identified yet. */
  get links(): readonly WhisperLink[] {
    return [...this.#links];
  }

  /** Whether one more unidentified connection from this address is accepted. */
  admits(address: string): boolean {
    const name = addressName(address);
    const unknown = this.links.filter((link) => link.inbound && !link.ready);
    if (unknown.length >= MAX_UNIDENTIFIED) return false;
    return unknown.filter((link) => link.addressName === name).length < MAX_UNIDENTIFIED_PER_ADDRESS;
  }

  /** A peer that is ready. */
  get(id: string): WhisperLink | undefined {
    return this.#peers.get(id);
  }

  isTrusted(id: string): boolean {
    return this.#trusted.has(id);
  }

  trust(id: string): void {
    this.#trusted.add(id);
    const link = this.#peers.get(id);
    if (link !== undefined) link.trusted = true;
  }

  distrust(id: string): void {
    this.#trusted.delete(id);
  }

  addLink(link: WhisperLink): void {
    this.#links.add(link);
  }

  /** Why an identified peer is refused; `undefined` when it isn't. */
  refusal(link: WhisperLink): DisconnectReason | undefined {
    const { id, bans, maxPeers, maxPeersPerAddress } = this.#options;
    if (link.id === id) return DisconnectReason.SAME_IDENTITY;
    if (bans.remaining(link.id) > 0) return DisconnectReason.USELESS_PEER;
    if (this.#peers.has(link.id)) return DisconnectReason.ALREADY_CONNECTED;
    if (this.#isInvited(link)) return undefined;
    const callers = [...this].filter((peer) => !this.#isInvited(peer));
    const neighbours = callers.filter(({ addressName }) => addressName === link.addressName);
    const tooMany = callers.length >= maxPeers || neighbours.length >= maxPeersPerAddress;
    return tooMany ? DisconnectReason.TOO_MANY_PEERS : undefined;
  }

  #isInvited({ id, inbound }: WhisperLink): boolean {
    return !inbound || this.isTrusted(id) || this.#options.isDialed(id);
  }

  /** Adds a ready peer. Of two connections to a peer, one is ended. @returns whether this one stays */
  add(link: WhisperLink): boolean {
    const known = this.#peers.get(link.id);
    if (known !== undefined) {
      // Both dialled at the same moment: the connection dialled by the greater id stays.
      const byGreater = (one: WhisperLink) => one.inbound === link.id > this.#options.id;
      if (!byGreater(link) || byGreater(known)) {
        link.disconnect(DisconnectReason.ALREADY_CONNECTED);
        return false;
      }
      known.disconnect(DisconnectReason.ALREADY_CONNECTED);
      this.#forget(known, 'it is connected twice');
    }
    this.#peers.set(link.id, link);
    return true;
  }

  /** Removes a connection that has ended. @returns whether its peer was ready */
  delete(link: WhisperLink, reason: string): boolean {
    this.#links.delete(link);
    if (this.#peers.get(link.id) !== link) return false;
    this.#forget(link, reason);
    return true;
  }

  #forget(link: WhisperLink, reason: string): void {
    this.#peers.delete(link.id);
    this.#options.onGone(link, reason);
  }
}
