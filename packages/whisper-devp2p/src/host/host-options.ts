import {
  type Clock,
  invalidArgument,
  type Logger,
  type PrivateKey,
  silentLogger,
  systemClock,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { type BackOff, DEFAULT_BACK_OFF } from '@sotto/whisper-transport/internal';
import type { Envelope, EnvelopePool } from '@sotto/whisper-transport/whisper';
import type { BareMailRequest } from '../mail/request.js';

/** A connected peer. Its properties are live. */
export interface WhisperPeer {
  /** Its public key without the first byte: 128 hex digits. The connection proves it. */
  readonly id: string;
  /** Address and port of the other end of the socket. */
  readonly address: string;
  /** What it calls itself. */
  readonly clientId: string;
  /** Whether it dialled us. */
  readonly inbound: boolean;
  /** Whether its p2p messages are accepted, see {@link WhisperHostOptions.trustedPeers}. */
  readonly trusted: boolean;
  /** Whether it forwards nothing. */
  readonly lightNode: boolean;
  /** Least proof of work that it accepts. */
  readonly minimumPow: number;
  /** The topics that it wants: a bloom filter, 64 bytes; `undefined` for all. */
  readonly bloom: Uint8Array | undefined;
}

/** An envelope that was sent to us alone. */
export interface DirectEnvelope {
  /** Its bytes. Fresh; the receiver owns them. */
  readonly bytes: Uint8Array;
  /** Well-formed, but not checked further: it may have expired and have no proof of work. */
  readonly envelope: Envelope;
}

/** Callbacks of a host. They must not throw; a promise that rejects is logged. */
export interface WhisperHostHooks {
  /** A peer has connected, and its status is known. */
  onPeer?(peer: WhisperPeer): void;
  /** A peer has changed the proof of work or topics that it asks for. Called at most twice a second. */
  onPeerChange?(peer: WhisperPeer): void;
  /** A peer has disconnected. */
  onPeerGone?(peer: WhisperPeer, reason: string): void;
  /** A peer has sent an envelope, which is not checked yet: its times may be those of another clock. */
  onEnvelope?(peer: WhisperPeer, envelope: Envelope): void;
  /** A request to a mailserver, from any peer: the host does not check who may ask. */
  onP2pRequest?(peer: WhisperPeer, request: DirectEnvelope): void | Promise<void>;
  /** A request in the form of newer clients, without envelope and password. Invalid ones are ignored. */
  onBareRequest?(peer: WhisperPeer, request: BareMailRequest): void | Promise<void>;
  /** Envelopes of a mailserver, from trusted peers only. */
  onP2pMessages?(peer: WhisperPeer, messages: readonly DirectEnvelope[]): void | Promise<void>;
  /** A mailserver has completed or refused a request, from trusted peers only: see `decodeMailCompletion`. */
  onRequestComplete?(peer: WhisperPeer, payload: Uint8Array): void | Promise<void>;
}

/** Limits on what one peer sends. A faster peer is read from more slowly; nothing is lost. */
export interface ReceiveLimits {
  /** Packets and envelopes a second. Default 5,000: more than twice the 2,000 that a node is designed for in all. */
  readonly envelopesPerSecond: number;
  /** Bytes a second. Default 4 MiB: that rate with envelopes of 800 bytes. */
  readonly bytesPerSecond: number;
  /**
   * Bytes of a packet. Default 10 MiB, the most that go-ethereum can be configured to accept: it sends all its envelopes in one
   * packet to a new neighbour. What we send is 1 MiB at most, as it expects.
   */
  readonly packetBytes: number;
}

/** What waits to be sent to one peer. When more comes, the oldest goes: it expires first. */
export interface SendLimits {
  /** Envelopes. Default 20,000: ten seconds of 2,000 a second. They are shared with the pool. */
  readonly queuedEnvelopes: number;
  /** Bytes. Default 16 MiB. */
  readonly queuedBytes: number;
  /** Milliseconds that envelopes are gathered, to go in one packet. Default 20. Our own don't wait. */
  readonly gather: number;
}

/** A peer that misbehaves is disconnected, and neither dialled nor accepted for a time. Trusted peers aren't banned. */
export interface BanPolicy {
  /** Milliseconds. Default 600,000: ten minutes. */
  readonly duration: number;
  /**
   * Envelopes a minute that may be refused: damaged, with too little proof of work, from the future, or expired for more than
   * {@link expiryTolerance}. Default 20. Damaged packets, too large ones and a wrong status are banned immediately.
   */
  readonly refusedPerMinute: number;
  /** Seconds ago that an envelope may have expired, on its way, without blame; it is dropped anyway. Default 20, as in geth. */
  readonly expiryTolerance: number;
}

/** Options of {@link createWhisperHost}. */
export interface WhisperHostOptions extends WhisperHostHooks {
  /** Default: the best provider for this platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Receives events, never keys or contents. Default: none. */
  readonly logger?: Logger | undefined;
  /** 32 bytes: the private key that identifies this host to peers, geth's `--nodekey`. Not a messenger's identity. Default: a new one. */
  readonly nodeKey?: Uint8Array | undefined;
  /** Where to listen. Default: nowhere, the host only dials. Port 0 is any free port. */
  readonly listen?: { readonly host?: string | undefined; readonly port: number } | undefined;
  /** Host name in {@link WhisperHost.enode}. Default: the address listened on, or 127.0.0.1 when that is every address. */
  readonly advertisedHost?: string | undefined;
  /** `enode://` URLs of peers that are dialled, and again whenever they are gone. They don't count toward `maxPeers`. */
  readonly peers?: readonly string[] | undefined;
  /** Peers that are dialled in the same way and whose p2p messages are accepted: our mailservers. */
  readonly trustedPeers?: readonly string[] | undefined;
  /** Most inbound peers. Default 25, as geth has it. */
  readonly maxPeers?: number | undefined;
  /** Most inbound peers of one address (IPv4, or /64 of IPv6), so that no one occupies all places. Default 8. */
  readonly maxPeersPerAddress?: number | undefined;
  /** `full` forwards all envelopes, `light` only sends those published here. Default `light`. */
  readonly mode?: 'full' | 'light' | undefined;
  /** The pool of live envelopes, with its policy. Default: a new one. One that is given isn't closed with the host. */
  readonly pool?: EnvelopePool | undefined;
  /** The topics wanted: a bloom filter, 64 bytes. Default: all. */
  readonly bloom?: Uint8Array | undefined;
  /** What each peer may send, see {@link ReceiveLimits} for the defaults. */
  readonly receive?: Partial<ReceiveLimits> | undefined;
  /** What is queued for each peer, see {@link SendLimits} for the defaults. */
  readonly send?: Partial<SendLimits> | undefined;
  /** When and for how long a misbehaving peer is banned, see {@link BanPolicy} for the defaults. */
  readonly ban?: Partial<BanPolicy> | undefined;
  /** Waits before a peer is dialled again. */
  readonly backOff?: Partial<BackOff> | undefined;
  /** Milliseconds to set up a connection, hello and status included. Default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** What we call ourselves. Default `sotto`. */
  readonly clientId?: string | undefined;
}

/** What a host has done since it was created, for its operator. */
export interface WhisperHostCounters {
  /** New envelopes from peers. */
  received: number;
  /** Known envelopes from peers. */
  repeated: number;
  /** Envelopes from peers that were refused, or not asked for. */
  refused: number;
  /** Envelopes sent, counted for each peer. */
  sent: number;
  /** Envelopes dropped from a peer's queue for newer ones. */
  dropped: number;
  /** Bans of peers. */
  bans: number;
}

/** Options with defaults. */
export interface HostSettings {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxPeers: number;
  readonly maxPeersPerAddress: number;
  readonly mode: 'full' | 'light';
  readonly receive: ReceiveLimits;
  readonly send: SendLimits;
  readonly ban: BanPolicy;
  readonly backOff: BackOff;
  readonly handshakeTimeout: number;
  readonly clientId: string;
}

export function settingsOf(options: WhisperHostOptions): HostSettings {
  const settings: HostSettings = {
    crypto: options.crypto ?? defaultProvider(),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    maxPeers: options.maxPeers ?? 25,
    maxPeersPerAddress: options.maxPeersPerAddress ?? 8,
    mode: options.mode ?? 'light',
    receive: {
      envelopesPerSecond: 5_000,
      bytesPerSecond: 4 * 2 ** 20,
      packetBytes: 10 * 2 ** 20,
      ...options.receive,
    },
    send: { queuedEnvelopes: 20_000, queuedBytes: 16 * 2 ** 20, gather: 20, ...options.send },
    ban: { duration: 600_000, refusedPerMinute: 20, expiryTolerance: 20, ...options.ban },
    backOff: { ...DEFAULT_BACK_OFF, ...options.backOff },
    handshakeTimeout: options.handshakeTimeout ?? 10_000,
    clientId: options.clientId ?? 'sotto',
  };
  const { maxPeers, maxPeersPerAddress } = settings;
  const numbers = { ...settings.receive, ...settings.send, ...settings.ban, maxPeers, maxPeersPerAddress };
  for (const [what, value] of Object.entries(numbers)) {
    if (!(value >= 0)) throw invalidArgument(what, 'not a number of 0 or more');
  }
  for (const what of ['envelopesPerSecond', 'bytesPerSecond'] as const) {
    if (settings.receive[what] === 0) throw invalidArgument(what, 'nothing could be received');
  }
  return settings;
}

export function nodeKeyOf(crypto: CryptoProvider, nodeKey: Uint8Array | undefined) {
  return nodeKey === undefined
    ? crypto.secp256k1.generateKeyPair()
    : crypto.secp256k1.keyPairFromPrivateKey(nodeKey as PrivateKey);
}
