import {
  type Clock,
  invalidArgument,
  type Logger,
  silentLogger,
  systemClock,
  type Transport,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import {
  type BackOff,
  ChannelKeys,
  DEFAULT_BACK_OFF,
  DEFAULT_MAX_WAITING_BYTES,
  globalWebSocket,
  type OpenWebSocket,
} from '@sotto/whisper-transport/internal';
import { ENVELOPE_MAX_BYTES, SEALING_OVERHEAD } from '@sotto/whisper-transport/whisper';
import { RpcConnection } from './connection/rpc-connection.js';
import type { Fetch } from './json-rpc/http-client.js';

/** Options of {@link createRpcTransport}. */
export interface RpcTransportOptions {
  /**
   * The node's JSON-RPC API: `ws:` or `wss:` (messages arrive by subscription), `http:` or `https:` (messages are polled for).
   * Without TLS only on this machine, see `unsafePlaintext`.
   */
  readonly url: string;
  /** Allows sending the identity's private key unencrypted to another machine: anyone on the path can read it. */
  readonly unsafePlaintext?: boolean | undefined;
  /** Default: the best provider for this platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Receives events, never keys or contents. Default: none. */
  readonly logger?: Logger | undefined;
  /** Default: the runtime's own WebSocket; in Node.js the package `ws`, if it is installed. */
  readonly webSocket?: OpenWebSocket | undefined;
  /** Default: the global fetch. */
  readonly fetch?: Fetch | undefined;
  /** Seconds until envelopes expire, at least 10. Default 15, as with deployed clients. */
  readonly ttl?: number | undefined;
  /** Proof of work of our envelopes, if the node doesn't require more. Default 0.002, what deployed nodes require. */
  readonly powTarget?: number | undefined;
  /** Seconds that the node may spend on the proof of work of an envelope, a whole number. Default 5, as with deployed clients. */
  readonly powTime?: number | undefined;
  /** Milliseconds between two polls over HTTP. Default 1,000. */
  readonly pollInterval?: number | undefined;
  /** Milliseconds until a call times out, proof of work not included. Default 10,000. */
  readonly callTimeout?: number | undefined;
  /** Milliseconds between two checks that the node still answers, over WebSocket. Default 30,000. */
  readonly heartbeat?: number | undefined;
  /**
   * Milliseconds that a send without a signal waits while the node is offline, before it fails with TRANSPORT_UNAVAILABLE; with a
   * signal it waits until the signal fires. Default 5,000.
   */
  readonly offlineTimeout?: number | undefined;
  /** Most characters of an answer; one poll may return many messages. Default 2^25: 32 MB. */
  readonly maxAnswerLength?: number | undefined;
  /** Waits between attempts to reconnect. Default: from 250 ms to 30 s. */
  readonly backOff?: Partial<BackOff> | undefined;
  /** Envelopes and messages remembered, to drop repetitions. Default 50,000 each: 10 MB at most. */
  readonly remembered?: number | undefined;
  /**
   * Bytes of messages that have arrived and wait for `onMessage`, about. Beyond it, polling pauses; over a WebSocket, what arrives is
   * dropped. Default 64 MiB.
   */
  readonly maxWaitingBytes?: number | undefined;
}

/**
 * A transport over the JSON-RPC API of a Whisper node, such as go-ethereum 1.9. Wire profile, section 7.
 *
 * **It gives the node the private key of the identity**, which the node needs to sign and open messages, and the keys of the channels:
 * whoever runs the node can write as you and read your partitioned and discovery channels, forever. (Messages that the messenger has
 * encrypted stay encrypted for anyone who did not have the key before.) Use a node of your own. Keys are removed from the node on
 * `close`; a process that dies leaves them there until the node restarts. `createSealedTransport` over a carrier keeps the key to itself;
 * this API has no call that accepts a sealed envelope.
 *
 * @throws INVALID_ARGUMENT
 */
export function createRpcTransport(options: RpcTransportOptions): Transport {
  const { url, crypto = defaultProvider(), ttl = 15, powTime = 5 } = options;
  const { polled } = parseNodeUrl(url, options.unsafePlaintext === true);
  if (!Number.isInteger(ttl) || ttl < 10)
    throw invalidArgument('ttl', 'not a whole number of seconds, 10 or more');
  if (!Number.isInteger(powTime) || powTime < 1)
    throw invalidArgument('powTime', 'not a whole number of seconds');
  const settings = {
    url,
    polled,
    crypto,
    random: crypto.randomBytes,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    openWebSocket: options.webSocket ?? globalWebSocket,
    fetch: options.fetch ?? ((address, init) => fetch(address, init)),
    ttl,
    powTime,
    powTarget: options.powTarget ?? 0.002,
    pollInterval: options.pollInterval ?? 1_000,
    callTimeout: options.callTimeout ?? 10_000,
    heartbeat: options.heartbeat ?? 30_000,
    offlineTimeout: options.offlineTimeout ?? 5_000,
    maxAnswerLength: options.maxAnswerLength ?? 2 ** 25,
    backOff: { ...DEFAULT_BACK_OFF, ...options.backOff },
    remembered: options.remembered ?? 50_000,
    maxWaitingBytes: options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES,
    channelKeys: new ChannelKeys(crypto),
  };
  return {
    capabilities: {
      maxPayloadBytes: ENVELOPE_MAX_BYTES - SEALING_OVERHEAD,
      history: false,
      confirmsSend: true,
      // The node signs with a key that it holds, but reports whoever signed.
      pseudonyms: 'received',
    },
    async connect(connectOptions) {
      const connection = new RpcConnection(connectOptions, settings);
      await connection.open();
      return connection;
    },
  };
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

function parseNodeUrl(text: string, plaintextAllowed: boolean): { readonly polled: boolean } {
  if (!URL.canParse(text)) throw invalidArgument('url', 'not a URL');
  const { protocol, hostname } = new URL(text);
  if (!['ws:', 'wss:', 'http:', 'https:'].includes(protocol)) {
    throw invalidArgument('url', 'neither ws:, wss:, http: nor https:');
  }
  const plaintext = protocol === 'ws:' || protocol === 'http:';
  if (plaintext && !plaintextAllowed && !LOOPBACK.test(hostname)) {
    throw invalidArgument(
      'url',
      'the private key would travel unencrypted to another machine; use wss: or https:',
    );
  }
  return { polled: protocol.startsWith('http') };
}
