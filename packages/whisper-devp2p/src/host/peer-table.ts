import { DisconnectReason } from '../rlpx/disconnect-reason.js';
import { addressName } from './address-name.js';
import type { BanList } from './ban-list.js';
import type { WhisperLink } from './whisper-link.js';

/** Callers that are let in at once while nobody knows yet who they are: each costs a handshake. */
const MAX_UNKNOWN_CALLERS = 32;
/** Of them from one address: the others can still call. */
const MAX_UNKNOWN_PER_ADDRESS = 16;

export interface PeerTableOptions {
  /** Our own id, 128 hex digits. */
  readonly id: string;
  /** Peers that may call us. */
  readonly maxPeers: number;
  /** Of them from one address. */
  readonly maxPeersPerAddress: number;
  readonly bans: BanList;
  /** Ids of those whose p2p messages are taken. */
  readonly trusted: Iterable<string>;
  /** Whether we call this peer. */
  readonly isCalled: (id: string) => boolean;
  /** A peer that was there has gone. */
  readonly onGone: (link: WhisperLink, reason: string) => void;
}

/** Who is connected, who may be, and who is trusted. */
export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #trusted: Set<string>;
  /** All connections, with those that nobody knows yet. */
  readonly #links = new Set<WhisperLink>();
  /** Those that are ready, by id. */
  readonly #peers = new Map<string, WhisperLink>();

  constructor(options: PeerTableOptions) {
    this.#options = options;
    this.#trusted = new Set(options.trusted);
  }

  /** Those that are ready. */
  [Symbol.iterator](): IterableIterator<WhisperLink> {
    return this.#peers.values();
  }

  /** All connections, with those that nobody knows yet. */
  get links(): readonly WhisperLink[] {
    return [...this.#links];
  }

  /** Whether one more may call from there whom nobody knows yet. */
  admitsCaller(address: string): boolean {
    const name = addressName(address);
    const unknown = this.links.filter((link) => link.inbound && !link.ready);
    if (unknown.length >= MAX_UNKNOWN_CALLERS) return false;
    return unknown.filter((link) => link.addressName === name).length < MAX_UNKNOWN_PER_ADDRESS;
  }

  /** One that is ready. */
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

  /** Why a peer is not wanted, once it is known who it is; `undefined` when it is. */
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
    return !inbound || this.isTrusted(id) || this.#options.isCalled(id);
  }

  /** Notes that a peer is ready; of two connections to it, one is ended. Whether it is not this one. */
  add(link: WhisperLink): boolean {
    const known = this.#peers.get(link.id);
    if (known !== undefined) {
      // Each has called the other at the same moment: both keep the call of the greater id.
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

  /** Notes that a connection has ended. Whether it was a peer that was there. */
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
