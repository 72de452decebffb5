import type { Socket } from 'node:net';
import { type Capabilities, DISCONNECT_REASON, Peer } from '@ethereumjs/devp2p';
import { RLP } from '@ethereumjs/rlp';
import {
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  isSottoError,
  type KeyPair,
  SottoError,
} from '@sotto/core';
import { type EncodedPacket, PACKET_CODES } from '../packets/packet.js';
import { hashMacsWith, type NewMacHash } from './mac-hash.js';
import { compress, uncompress } from './snappy.js';

export { DISCONNECT_REASON } from '@ethereumjs/devp2p';

/** Codes below are devp2p's own: hello, disconnect, ping, pong. */
const BASE_CODES = 16;
/** Bytes of a message of devp2p's own at most, as go-ethereum has it. */
const BASE_MAX_BYTES = 2048;
/** From this version of devp2p on, bodies are compressed. */
const SNAPPY_VERSION = 5;
/** Milliseconds that a peer gets to answer a ping. */
const PING_TIMEOUT = 20_000;
/** Milliseconds that what was sent last gets to leave, after which the socket is torn down. */
const LINGER = 2_000;

const base = { hello: 0, disconnect: 1, ping: 2, pong: 3 } as const;

export interface RlpxSessionOptions {
  readonly socket: Socket;
  readonly nodeKey: KeyPair;
  /** Our own id: 64 bytes. */
  readonly id: Uint8Array;
  /** Id of the peer when we called it, 64 bytes; none when it called us. */
  readonly remoteId: Uint8Array | undefined;
  /** What we call ourselves. */
  readonly clientId: string;
  /** Port that we listen on; 0 for none. */
  readonly listenPort: number;
  /** Bytes of a packet at most, before and after it is uncompressed. */
  readonly maxPacketBytes: number;
  /** What its MACs hash with; where there is none, with what the library has. */
  readonly newMacHash: NewMacHash;
}

export interface RlpxSessionHandler {
  /** Both sides have said hello, and both speak Whisper. */
  onReady(): void;
  /** A Whisper packet; its body is the handler's. What the handler throws is a violation by the peer. */
  onPacket(packet: EncodedPacket): void;
  /** The peer has broken the protocol. It is being disconnected. */
  onViolation(reason: string): void;
  /** Once, at the end, whatever the reason. */
  onClosed(): void;
}

/**
 * One encrypted connection with a peer. The handshake, the frames and the pings are those of @ethereumjs/devp2p; what
 * it does not do is done here:
 *
 * - It takes a packet's code from one raw byte. Codes are RLP, so those from 128 on (Whisper's from 112 on) take two.
 * - It hashes each MAC in JavaScript, which costs more than all else that is done with a packet.
 * - It leaves compressing to its caller, and uncompresses without a limit, with a library that a crafted packet keeps
 *   busy for ever.
 * - It believes the id that a caller claims in its hello, whichever key the handshake was done with.
 * - It takes a second hello, and packets of any size.
 * - Having disconnected, it waits for the peer to close the socket.
 */
export class RlpxSession extends Peer {
  readonly #handler: RlpxSessionHandler;
  readonly #maxPacketBytes: number;
  /** What came and is not yet enough for the next step, so that a large packet is put together once. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(options: RlpxSessionOptions, handler: RlpxSessionHandler) {
    super({
      socket: options.socket,
      privateKey: options.nodeKey.privateKey,
      id: options.id,
      // Null is how the library says that the peer called us.
      remoteId: (options.remoteId ?? null) as Uint8Array,
      clientId: encodeUtf8(options.clientId),
      capabilities: [{ name: 'shh', version: 6, length: PACKET_CODES, constructor: NoProtocol }],
      // Only asked for primitives to use in place of its own.
      common: { customCrypto: {} } as never,
      // Null is how it is told that there is none; a 0 it writes in a way that others refuse.
      port: (options.listenPort === 0 ? null : options.listenPort) as number,
      timeout: PING_TIMEOUT,
    });
    this.#handler = handler;
    this.#maxPacketBytes = options.maxPacketBytes;
    hashMacsWith(this._eciesSession, options.newMacHash);
    options.socket.setNoDelay(true);
    options.socket.once('close', () => handler.onClosed());
    this.events.once('connect', () => handler.onReady());
  }

  /** The peer's id, 128 hex digits; known once the session is ready. */
  get remoteIdHex(): string {
    return encodeHex(this.getId() ?? new Uint8Array(0));
  }

  /** What the peer calls itself. */
  get remoteClientId(): string {
    return this._hello?.clientId ?? '';
  }

  /** Address and port at the other end of the socket. */
  get remoteAddress(): string {
    const { remoteAddress = '', remotePort = 0 } = this._socket;
    return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
  }

  /** Why it was ended, in the words of devp2p, by either side; `undefined` when nobody said. */
  get endReason(): string | undefined {
    return this._disconnectReason === undefined
      ? undefined
      : this.getDisconnectPrefix(this._disconnectReason);
  }

  /** Bytes that the socket has not passed on yet. */
  get backlog(): number {
    return this._socket.writableLength;
  }

  /** Reads no more until `resume`: the peer is kept waiting. */
  pause(): void {
    this._socket.pause();
  }

  resume(): void {
    this._socket.resume();
  }

  /** Hands a packet to the socket; false when the connection is at its end. */
  send({ code, body }: EncodedPacket): boolean {
    return this._sendMessage(BASE_CODES + code, this.#compressed(body)) === true;
  }

  /** Resolves when the socket has passed on all that was sent before: true, or false when it failed to. */
  flushed(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this._closed || !this._socket.writable) resolve(false);
      else this._socket.write(new Uint8Array(0), (error) => resolve(error === null || error === undefined));
    });
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this._closed = true;
    this._socket.destroy();
  }

  override _onSocketData(data: Uint8Array): void {
    if (this._closed) return;
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    if (this.#waitingBytes + this._socketData.length < this._nextPacketSize) return;
    this._socketData = concatBytes(this._socketData, ...this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      while (!this._closed && this._socketData.length >= this._nextPacketSize) this.#step();
    } catch (error) {
      this.#violated(isSottoError(error) ? error.message : 'the connection can not be understood');
    }
  }

  #step(): void {
    if (this._state === 'Auth') this._handleAuth();
    else if (this._state === 'Ack') this._handleAck();
    else if (this._state === 'Header') this.#takeHeader();
    else this._handleBody();
  }

  #takeHeader(): void {
    this._handleHeader();
    // Padding and MAC are 31 bytes at most.
    const size = this._nextPacketSize - 32;
    if (size > this.#maxPacketBytes) throw oversize(this.#maxPacketBytes, size);
  }

  override _handleBody(): void {
    const frame = this._socketData.subarray(0, this._nextPacketSize);
    this._socketData = this._socketData.subarray(this._nextPacketSize);
    const body = this._eciesSession.parseBody(frame);
    this._state = 'Header';
    this._nextPacketSize = 32;
    if (body === undefined) throw violation('a body before the handshake');
    const { code, rest } = readCode(body);
    if (code < BASE_CODES) this.#takeBase(code, rest);
    else if (!this._connected) throw violation('a packet before hello');
    else if (code >= BASE_CODES + PACKET_CODES) throw violation('a packet of no protocol that we share');
    else {
      this.#handler.onPacket({
        code: code - BASE_CODES,
        body: this.#uncompressed(rest, this.#maxPacketBytes),
      });
    }
  }

  #takeBase(code: number, rest: Uint8Array): void {
    if (rest.length > BASE_MAX_BYTES) throw oversize(BASE_MAX_BYTES, rest.length);
    if (code === base.hello) {
      if (this._hello !== null) throw violation('a second hello');
      this._handleHello(RLP.decode(rest));
    } else if (code === base.disconnect) {
      this._handleDisconnect(this.#reasonOf(rest));
      this.#linger();
    } else if (this._hello === null) {
      throw violation('a packet before hello');
    } else if (code === base.ping) {
      this._handlePing();
    } else if (code === base.pong) {
      this._handlePong();
    }
  }

  /** The reason of a disconnect: bare or in a list, compressed or, by some, not. */
  #reasonOf(rest: Uint8Array): Uint8Array {
    for (const read of [() => this.#uncompressed(rest, BASE_MAX_BYTES), () => rest]) {
      try {
        const decoded = RLP.decode(read());
        const reason = Array.isArray(decoded) ? decoded[0] : decoded;
        if (reason instanceof Uint8Array && reason.length === 1) return reason;
      } catch {
        // The other way, or none: they are leaving anyhow.
      }
    }
    return Uint8Array.of(DISCONNECT_REASON.DISCONNECT_REQUESTED);
  }

  override _handleHello(payload: unknown): void {
    // Whoever called us is who did the handshake, not who the hello says.
    this._remoteId ??= (this._eciesSession['_remotePublicKey'] ?? new Uint8Array(0)).subarray(1);
    super._handleHello(payload);
  }

  override _sendDisconnect(reason: DISCONNECT_REASON): void {
    if (this._closed) return;
    const body = RLP.encode([reason]);
    this._sendMessage(base.disconnect, this._hello === null ? body : this.#compressed(body));
    this._disconnectReason = reason;
    this._closed = true;
    this._socket.end();
    this.#linger();
  }

  #linger(): void {
    this._socket.resume();
    this._socket.setTimeout(LINGER, () => this._socket.destroy());
  }

  #violated(reason: string): void {
    this.disconnect(DISCONNECT_REASON.SUBPROTOCOL_ERROR);
    this.#handler.onViolation(reason);
  }

  get #compresses(): boolean {
    return this._hello !== null && this._hello.protocolVersion >= SNAPPY_VERSION;
  }

  #compressed(body: Uint8Array): Uint8Array {
    return this.#compresses ? compress(body) : body;
  }

  #uncompressed(body: Uint8Array, most: number): Uint8Array {
    return this.#compresses ? uncompress(body, most) : copyBytes(body);
  }
}

/** The library makes one for each protocol shared; packets reach the handler without it. */
const NoProtocol = class {} as unknown as Capabilities['constructor'];

/** The RLP integer that a message begins with. Ours are below 256. */
function readCode(body: Uint8Array): { code: number; rest: Uint8Array } {
  const [first = 0x100, second = 0] = body;
  if (first < 0x80) return { code: first, rest: body.subarray(1) };
  if (first === 0x80) return { code: 0, rest: body.subarray(1) };
  if (first === 0x81 && second >= 0x80) return { code: second, rest: body.subarray(2) };
  throw violation('no code of a packet');
}

function violation(reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `The peer breaks the protocol: ${reason}.`, {
    what: 'devp2p',
    reason,
  });
}

function oversize(limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', 'The peer sends a packet that is too large.', {
    what: 'bytes of a packet',
    limit,
    actual,
  });
}
