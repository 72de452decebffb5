import { type Clock, type Logger, type PrivateKey, SottoError, silentLogger, systemClock } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { type BackOff, DEFAULT_BACK_OFF } from '@sotto/whisper-transport/internal';
import type { Envelope, EnvelopePool } from '@sotto/whisper-transport/whisper';
import type { BareMailRequest } from '../mail/request.js';

/** Another node, connected. Its properties are those of now. */
export interface WhisperPeer {
  /** Its public key without the first byte: 128 hex digits. The connection proves it. */
  readonly id: string;
  /** Address and port at the other end of the socket. */
  readonly address: string;
  /** What it calls itself. */
  readonly clientId: string;
  /** Whether it called us. */
  readonly inbound: boolean;
  /** Whether we take p2p messages from it, see {@link WhisperHostOptions.trustedPeers}. */
  readonly trusted: boolean;
  /** Whether it hands on nothing. */
  readonly lightNode: boolean;
  /** Least proof of work that it takes. */
  readonly minimumPow: number;
  /** Topics that it wants, 64 bytes; `undefined` for all of them. */
  readonly bloom: Uint8Array | undefined;
}

/** An envelope for us alone. */
export interface DirectEnvelope {
  /** As it came. Fresh; the receiver owns them. */
  readonly bytes: Uint8Array;
  /** Well-formed, and not checked further: it may have expired and carry no proof of work. */
  readonly envelope: Envelope;
}

/** What a host tells of. None of them may throw; a promise that rejects is logged. */
export interface WhisperHostHooks {
  /** A peer has come: connected, and its status is known. */
  onPeer?(peer: WhisperPeer): void;
  /** A peer asks for another proof of work, or for other topics. Not more often than twice a second. */
  onPeerChange?(peer: WhisperPeer): void;
  /** A peer that had come has gone. */
  onPeerGone?(peer: WhisperPeer, reason: string): void;
  /** A peer has sent an envelope, whatever becomes of it: how its life compares to our clock is left to the hook. */
  onEnvelope?(peer: WhisperPeer, envelope: Envelope): void;
  /** Somebody asks for what a mailbox keeps. From any peer: look into the envelope for who may. */
  onP2pRequest?(peer: WhisperPeer, request: DirectEnvelope): void | Promise<void>;
  /** The same, asked without an envelope and a password, by newer clients. What can't be read is passed over. */
  onBareRequest?(peer: WhisperPeer, request: BareMailRequest): void | Promise<void>;
  /** What a mailbox sends, from trusted peers only. */
  onP2pMessages?(peer: WhisperPeer, messages: readonly DirectEnvelope[]): void | Promise<void>;
  /** A mailbox has sent all, or refuses, from trusted peers only: `decodeMailCompletion` reads it. */
  onRequestComplete?(peer: WhisperPeer, payload: Uint8Array): void | Promise<void>;
}

/** What one peer may send. A peer that is faster is read from more slowly; nothing is lost. */
export interface ReceiveLimits {
  /** Packets and envelopes a second. Default 5,000: more than twice the 2,000 that a node is meant to bear in all. */
  readonly envelopesPerSecond: number;
  /** Bytes a second. Default 4 MiB: so many envelopes of 800 bytes. */
  readonly bytesPerSecond: number;
  /**
   * Bytes of a packet. Default 10 MiB, the most that go-ethereum can be told to take: it sends all that it has in one
   * packet to a neighbour who is new. What we send is 1 MiB at most, as it expects.
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

/** Who misbehaves is disconnected and, for a time, neither called nor let in. Peers that are trusted are not banned. */
export interface BanPolicy {
  /** Milliseconds. Default 600,000: ten minutes. */
  readonly duration: number;
  /**
   * Envelopes a minute that may be refused: damaged, too little proof of work, of the future, or expired for more
   * than {@link expiryTolerance}. Default 20. Damaged packets, too large ones and a wrong status are banned at once.
   */
  readonly refusedPerMinute: number;
  /** Seconds for which an envelope may have expired on its way; it is dropped all the same. Default 20, as geth. */
  readonly expiryTolerance: number;
}

export interface WhisperHostOptions extends WhisperHostHooks {
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** 32 bytes: the key that names this host to its peers; no identity of a messenger. Default: a new one. */
  readonly nodeKey?: Uint8Array;
  /** Where to listen. Default: nowhere, only calling others. Port 0 takes a free one. */
  readonly listen?: { readonly host?: string; readonly port: number };
  /** Host to be named in {@link WhisperHost.enode}. Default: the one listened on, or 127.0.0.1 when that is all. */
  readonly advertisedHost?: string;
  /** `enode://` URLs that are called, and called again whenever they are gone. They don't count for `maxPeers`. */
  readonly peers?: readonly string[];
  /** The same, and their p2p messages are taken: mailboxes of ours. */
  readonly trustedPeers?: readonly string[];
  /** Peers that may call us. Default 25. */
  readonly maxPeers?: number;
  /** Of them from one address (IPv4, or /64 of IPv6), so that nobody takes all places alone. Default 8. */
  readonly maxPeersPerAddress?: number;
  /** `full` hands on what comes, `light` only sends what is published here. Default `light`. */
  readonly mode?: 'full' | 'light';
  /** Where envelopes live. It says what is asked of them. Default: one of its own. Not closed with the host if given. */
  readonly pool?: EnvelopePool;
  /** Topics wanted, 64 bytes; `undefined` for all. */
  readonly bloom?: Uint8Array;
  readonly receive?: Partial<ReceiveLimits>;
  readonly send?: Partial<SendLimits>;
  readonly ban?: Partial<BanPolicy>;
  /** Waits before a peer is called again. */
  readonly backOff?: Partial<BackOff>;
  /** Milliseconds for a connection to come about, hello and status included. Default 10,000. */
  readonly handshakeTimeout?: number;
  /** What we call ourselves. Default `sotto`. */
  readonly clientId?: string;
}

/** Options, with the defaults filled in. */
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
    if (!(value >= 0)) throw invalid(what, 'not a number that is 0 or more');
  }
  for (const what of ['envelopesPerSecond', 'bytesPerSecond'] as const) {
    if (settings.receive[what] === 0) throw invalid(what, 'nothing could ever be received');
  }
  return settings;
}

export function nodeKeyOf(crypto: CryptoProvider, nodeKey: Uint8Array | undefined) {
  return nodeKey === undefined
    ? crypto.secp256k1.generateKeyPair()
    : crypto.secp256k1.keyPairFromPrivateKey(nodeKey as PrivateKey);
}

function invalid(what: string, reason: string): SottoError<'INVALID_ARGUMENT'> {
  return new SottoError('INVALID_ARGUMENT', `The option ${what} is refused: ${reason}.`, { what, reason });
}
