import type { Socket } from 'node:net';
import {
  ByteCollector,
  type Clock,
  compareBytes,
  concatBytes,
  copyBytes,
  encodeHex,
  isSottoError,
  type KeyPair,
  SottoError,
  TokenBucket,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  encodeItem,
  encodeList,
  isList,
  malformed,
  readInteger,
  splitList,
} from '@sotto/whisper-transport/internal';
import { type EncodedPacket, PACKET_CODES } from '../packets/packet.js';
import { DisconnectReason, disconnectReasonName } from './disconnect-reason.js';
import { FrameCipher, HEADER_BYTES, sealedBodyLength } from './frame-cipher.js';
import {
  deriveSecrets,
  keyFromRaw,
  LENGTH_BYTES,
  newHalf,
  type OwnHalf,
  openAck,
  openAuth,
  type RemoteHalf,
  sealAck,
  sealAuth,
} from './handshake.js';
import { DEVP2P_VERSION, decodeHello, encodeHello, type Hello } from './hello.js';
import type { NewMacHash } from './mac-hash.js';
import { compress, uncompress } from './snappy.js';

/** Codes below are devp2p's own. */
const BASE_CODES = 16;
/** Most bytes of a message of devp2p's own, as in go-ethereum. */
const BASE_MAX_BYTES = 2048;
/** Most bytes of a frame before the hello: that, with its code. */
const HELLO_MOST = BASE_MAX_BYTES + 1;
/** Messages of devp2p's own, hello apart, that a peer may send: so many at once, and a second. Deployed nodes send a ping every 15 s. */
const BASE_AT_ONCE = 60;
const BASE_PER_SECOND = 1;
/** Bytes in the socket from which on pings are not answered: a peer that reads nothing must not fill it. */
const UNREAD_MOST = 64 * 1024;
/** Milliseconds between two pings. */
const PING_INTERVAL = 15_000;
/** Milliseconds within which something has to arrive after a ping. */
const PING_TIMEOUT = 20_000;
/** Milliseconds for the last message to be sent, after which the socket is destroyed. */
const LINGER = 2_000;
const CAPABILITY = { name: 'shh', version: 6 } as const;

const base = { hello: 0, disconnect: 1, ping: 2, pong: 3 } as const;
const EMPTY_LIST = encodeList([]);

export interface RlpxSessionOptions {
  readonly socket: Socket;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly nodeKey: KeyPair;
  /** Our own id: 64 bytes. */
  readonly id: Uint8Array;
  /** Id of the peer when we dialled it, 64 bytes; `undefined` when it dialled us. */
  readonly remoteId: Uint8Array | undefined;
  /** Our client name. */
  readonly clientId: string;
  /** The port on which we listen; 0 for none. */
  readonly listenPort: number;
  /** Most bytes of a packet, compressed or not. */
  readonly maxPacketBytes: number;
  /** Creates the hashes of the MACs. */
  readonly newMacHash: NewMacHash;
}

export interface RlpxSessionHandler {
  /** Both sides have sent hello, and both speak Whisper. */
  onReady(): void;
  /** A Whisper packet; the handler owns its body. An error that the handler throws is a violation by the peer. */
  onPacket(packet: EncodedPacket): void;
  /** The peer has broken the protocol. It is being disconnected. */
  onViolation(reason: string): void;
  /** Called once when the connection ends, for whatever reason. */
  onClosed(): void;
}

/** What is read next from the socket. */
type Step =
  | { readonly kind: 'handshakeLength' }
  | { readonly kind: 'handshake'; readonly bytes: number }
  | { readonly kind: 'header' }
  | { readonly kind: 'body'; readonly length: number };

/**
 * One encrypted connection with a peer: RLPx, and devp2p's own messages (hello, ping, disconnect).
 * https://github.com/ethereum/devp2p/blob/master/rlpx.md
 */
export class RlpxSession {
  readonly #options: RlpxSessionOptions;
  readonly #handler: RlpxSessionHandler;
  readonly #socket: Socket;
  readonly #own: OwnHalf;
  /** Our message of the handshake, once sent. */
  #ownMessage: Uint8Array | undefined;
  #frames: FrameCipher | undefined;
  /** Proven by the handshake, 64 bytes. */
  #remoteId: Uint8Array | undefined;
  #hello: Hello | undefined;
  /** Received and not read yet: a view of the last data, or all of it in the collector while it doesn't suffice for the next step. */
  #rest: Uint8Array = new Uint8Array(0);
  readonly #collected = new ByteCollector();
  #step: Step = { kind: 'handshakeLength' };
  #endReason: number | undefined;
  /** Nothing is sent or read any more. */
  #closed = false;
  #isPaused = false;
  readonly #baseRate: TokenBucket;
  #cancelPing = () => {};
  #cancelLinger = () => {};

  constructor(options: RlpxSessionOptions, handler: RlpxSessionHandler) {
    const { socket, crypto, nodeKey, remoteId } = options;
    this.#options = options;
    this.#handler = handler;
    this.#socket = socket;
    this.#own = newHalf(crypto);
    this.#baseRate = new TokenBucket(options.clock, BASE_PER_SECOND, BASE_AT_ONCE);
    this.#remoteId = remoteId;
    socket.setNoDelay(true);
    // An error is followed by `close`.
    socket.on('error', () => {});
    socket.on('data', (data) => this.#onData(data));
    socket.once('close', () => this.#end());
    if (remoteId === undefined) return;
    this.#ownMessage = sealAuth(crypto, this.#own, nodeKey, keyFromRaw(crypto, remoteId));
    socket.write(this.#ownMessage);
  }

  /** The peer's id, 128 hex digits; known once the session is ready. */
  get remoteIdHex(): string {
    return encodeHex(this.#remoteId ?? new Uint8Array(0));
  }

  /** The peer's client name. */
  get remoteClientId(): string {
    return this.#hello?.clientId ?? '';
  }

  /** Address and port of the other end of the socket. */
  get remoteAddress(): string {
    const { remoteAddress = '', remotePort = 0 } = this.#socket;
    return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
  }

  /** Why either side ended it, in devp2p's words; `undefined` when neither gave a reason. */
  get endReason(): string | undefined {
    return this.#endReason === undefined ? undefined : disconnectReasonName(this.#endReason);
  }

  /** Bytes buffered in the socket. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Stops reading until `resume`: the peer has to wait. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Writes a packet to the socket; false when the connection has ended. */
  send({ code, body }: EncodedPacket): boolean {
    return this.sendMessage(concatBytes(encodeItem(BASE_CODES + code), this.#compressed(body)));
  }

  /** Writes any bytes to the socket as a message; false when the connection has ended. */
  sendMessage(message: Uint8Array): boolean {
    if (this.#closed || this.#frames === undefined || this.#socket.destroyed) return false;
    this.#socket.write(this.#frames.seal(message));
    return true;
  }

  /** Resolves with true when the socket has passed on everything sent before, with false when it failed to. */
  flushed(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#closed || !this.#socket.writable) resolve(false);
      else this.#socket.write(new Uint8Array(0), (error) => resolve(error === null || error === undefined));
    });
  }

  /** Sends the peer the reason, and ends the connection. */
  disconnect(reason: DisconnectReason): void {
    if (this.#closed) return;
    this.#sendBase(base.disconnect, encodeList([reason]));
    this.#endReason = reason;
    this.#linger();
  }

  /** Ends the connection without a message. */
  destroy(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #sendBase(code: number, body: Uint8Array): void {
    this.sendMessage(concatBytes(encodeItem(code), this.#compressed(body)));
  }

  #linger(): void {
    this.#closed = true;
    this.#socket.end();
    // The end of the peer's side is detected only while reading.
    this.#socket.resume();
    this.#cancelLinger = this.#options.clock.after(LINGER, () => this.#socket.destroy());
  }

  #end(): void {
    this.#closed = true;
    this.#cancelPing();
    this.#cancelLinger();
    this.#handler.onClosed();
  }

  // Reading

  #onData(data: Uint8Array): void {
    if (this.#closed) return;
    this.#rest = this.#withCollected(data);
    try {
      while (!this.#closed && this.#rest.length >= bytesOf(this.#step))
        this.#take(this.#read(bytesOf(this.#step)));
      if (this.#rest.length > 0) this.#collected.add(this.#rest);
    } catch (error) {
      this.disconnect(DisconnectReason.SUBPROTOCOL_ERROR);
      this.#handler.onViolation(isSottoError(error) ? error.message : 'the connection cannot be understood');
    }
  }

  /** What is to be read now: nothing, as long as it doesn't suffice for the next step. */
  #withCollected(data: Uint8Array): Uint8Array {
    if (this.#collected.length === 0) return data;
    this.#collected.add(data);
    return this.#collected.length < bytesOf(this.#step) ? new Uint8Array(0) : this.#collected.take();
  }

  #read(length: number): Uint8Array {
    const read = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return read;
  }

  #take(bytes: Uint8Array): void {
    switch (this.#step.kind) {
      case 'handshakeLength':
        this.#step = {
          kind: 'handshake',
          bytes: LENGTH_BYTES + ((bytes[0] as number) << 8) + (bytes[1] as number),
        };
        // Put back: the handshake authenticates its length.
        this.#rest = concatBytes(bytes, this.#rest);
        break;
      case 'handshake':
        this.#takeHandshake(copyBytes(bytes));
        this.#step = { kind: 'header' };
        break;
      case 'header': {
        const length = this.#openFrames.openHeader(bytes);
        // Nobody is known before the hello, and has a reason to send more.
        const most = this.#hello === undefined ? HELLO_MOST : this.#options.maxPacketBytes;
        if (length > most) throw oversize(most, length);
        this.#step = { kind: 'body', length };
        break;
      }
      case 'body': {
        const message = this.#openFrames.openBody(bytes, this.#step.length);
        this.#step = { kind: 'header' };
        this.#takeMessage(message);
      }
    }
  }

  get #openFrames(): FrameCipher {
    if (this.#frames === undefined) throw violation('a frame before the handshake');
    return this.#frames;
  }

  #takeHandshake(message: Uint8Array): void {
    const { crypto, nodeKey } = this.#options;
    if (this.#ownMessage !== undefined) {
      this.#established(openAck(crypto, nodeKey, message), this.#ownMessage, message, true);
      return;
    }
    const { peer, ...remote } = openAuth(crypto, nodeKey, message);
    this.#remoteId = crypto.secp256k1.uncompressPublicKey(peer).subarray(1);
    const ownMessage = sealAck(crypto, this.#own, peer);
    this.#ownMessage = ownMessage;
    this.#socket.write(ownMessage);
    this.#established(remote, ownMessage, message, false);
  }

  #established(remote: RemoteHalf, ownMessage: Uint8Array, remoteMessage: Uint8Array, dialed: boolean): void {
    const { crypto, newMacHash, clientId, id, listenPort } = this.#options;
    const own = this.#own;
    const secrets = deriveSecrets(crypto, own, remote, dialed);
    this.#frames = new FrameCipher({ crypto, secrets, own, remote, ownMessage, remoteMessage, newMacHash });
    const hello: Hello = { version: DEVP2P_VERSION, clientId, capabilities: [CAPABILITY], id };
    this.#sendBase(base.hello, encodeHello(hello, listenPort));
  }

  #takeMessage(message: Uint8Array): void {
    const { code, body } = readCode(message);
    if (code < BASE_CODES) this.#takeBase(code, body);
    else if (this.#hello === undefined) throw violation('a packet before hello');
    else if (code >= BASE_CODES + PACKET_CODES)
      throw violation('a packet of a protocol that we do not share');
    else {
      this.#handler.onPacket({
        code: code - BASE_CODES,
        body: this.#uncompressed(body, this.#options.maxPacketBytes),
      });
    }
  }

  #takeBase(code: number, body: Uint8Array): void {
    if (body.length > BASE_MAX_BYTES) throw oversize(BASE_MAX_BYTES, body.length);
    if (code === base.hello) {
      if (this.#hello !== undefined) throw violation('a second hello');
      this.#takeHello(decodeHello(body));
    } else if (code === base.disconnect) {
      this.#endReason = this.#readReason(body);
      this.#linger();
    } else if (this.#hello === undefined) {
      throw violation('a packet before hello');
    } else if (!this.#baseRate.takeIfAvailable(1)) {
      throw violation('more pings than a peer has reasons for');
    } else if (code === base.ping && this.backlog <= UNREAD_MOST) {
      this.#sendBase(base.pong, EMPTY_LIST);
    }
  }

  #takeHello(hello: Hello): void {
    // The handshake has proven who it is; a hello can claim anything.
    if (compareBytes(hello.id, this.#remoteId ?? new Uint8Array(0)) !== 0) {
      this.disconnect(DisconnectReason.INVALID_IDENTITY);
      return;
    }
    const { name, version } = CAPABILITY;
    if (!hello.capabilities.some((theirs) => theirs.name === name && theirs.version === version)) {
      this.disconnect(DisconnectReason.USELESS_PEER);
      return;
    }
    this.#hello = hello;
    this.#schedulePing();
    this.#handler.onReady();
  }

  /** The reason of a disconnect: bare or in a list, compressed or, from some, not. */
  #readReason(body: Uint8Array): number {
    for (const read of [() => this.#uncompressed(body, BASE_MAX_BYTES), () => body]) {
      try {
        const bytes = read();
        const [item] = isList(bytes) ? splitList('disconnect', bytes, 1) : [bytes];
        return Number(readInteger('disconnect', item ?? EMPTY_LIST));
      } catch {
        // It may be in the other form; either way the peer is leaving.
      }
    }
    return DisconnectReason.DISCONNECT_REQUESTED;
  }

  // Pings

  #schedulePing(): void {
    const { clock } = this.#options;
    this.#cancelPing();
    this.#cancelPing = clock.after(PING_INTERVAL, () => {
      const received = this.#socket.bytesRead;
      this.#sendBase(base.ping, EMPTY_LIST);
      this.#cancelPing = clock.after(PING_TIMEOUT, () => {
        // While we don't read, the answer may wait in the socket.
        if (this.#socket.bytesRead > received || this.#isPaused) this.#schedulePing();
        else this.disconnect(DisconnectReason.TIMEOUT);
      });
    });
  }

  // Compression

  get #compresses(): boolean {
    return this.#hello !== undefined && this.#hello.version >= DEVP2P_VERSION;
  }

  #compressed(body: Uint8Array): Uint8Array {
    return this.#compresses ? compress(body) : body;
  }

  #uncompressed(body: Uint8Array, most: number): Uint8Array {
    return this.#compresses ? uncompress(body, most) : copyBytes(body);
  }
}

/** Bytes that the next step has to read. */
function bytesOf(step: Step): number {
  switch (step.kind) {
    case 'handshakeLength':
      return LENGTH_BYTES;
    case 'handshake':
      return step.bytes;
    case 'header':
      return HEADER_BYTES;
    case 'body':
      return sealedBodyLength(step.length);
  }
}

/** The RLP integer that a message begins with. Ours are below 256. */
function readCode(message: Uint8Array): { readonly code: number; readonly body: Uint8Array } {
  const [first = 0x100, second = 0] = message;
  if (first < 0x80) return { code: first, body: message.subarray(1) };
  if (first === 0x80) return { code: 0, body: message.subarray(1) };
  if (first === 0x81 && second >= 0x80) return { code: second, body: message.subarray(2) };
  throw violation('not a code of a packet');
}

function violation(reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return malformed('devp2p message', reason);
}

function oversize(limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', 'The peer sends a packet that is too large.', {
    what: 'bytes of a packet',
    limit,
    actual,
  });
}
