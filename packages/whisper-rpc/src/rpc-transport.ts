import { type Clock, type Logger, SottoError, silentLogger, systemClock, type Transport } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import {
  type BackOff,
  ChannelKeys,
  DEFAULT_BACK_OFF,
  globalWebSocket,
  type OpenWebSocket,
} from '@sotto/whisper-transport/internal';
import { ENVELOPE_MAX_BYTES, SEALING_OVERHEAD } from '@sotto/whisper-transport/whisper';
import { RpcConnection } from './connection/rpc-connection.js';
import type { Fetch } from './json-rpc/http-client.js';

export interface RpcTransportOptions {
  /**
   * Where the node offers its JSON-RPC API: `ws:` or `wss:` (messages come by subscription), `http:` or `https:`
   * (messages are polled for). Without TLS only this machine, see `unsafePlaintext`.
   */
  readonly url: string;
  /** Lets the identity's private key travel unencrypted to another machine: anybody on the way can take it. */
  readonly unsafePlaintext?: boolean;
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  /** Gets events, never keys or contents. Default: silence. */
  readonly logger?: Logger;
  /** Default: the global WebSocket. Node 20 has none: there, take `createRpcTransport` of `@sotto/whisper-transport/node`. */
  readonly webSocket?: OpenWebSocket;
  /** Default: the global fetch. */
  readonly fetch?: Fetch;
  /** Seconds that envelopes live. Default 15, as deployed clients have it; 10 at least. */
  readonly ttl?: number;
  /** Proof of work of our envelopes; what the node asks for, when that is more. Default 0.002. */
  readonly powTarget?: number;
  /** Whole seconds that the node may work on an envelope. Default 5. */
  readonly powTime?: number;
  /** Milliseconds between two polls over HTTP. Default 1,000. */
  readonly pollInterval?: number;
  /** Milliseconds that the node may take for an answer, its proof of work apart. Default 10,000. */
  readonly callTimeout?: number;
  /** Milliseconds between two checks that a WebSocket's node still answers. Default 30,000. */
  readonly heartbeat?: number;
  /**
   * Milliseconds that a send without a signal waits for a node that is away, before it fails with
   * TRANSPORT_UNAVAILABLE; with a signal it waits until that fires. Default 5,000.
   */
  readonly offlineTimeout?: number;
  /** Characters of an answer that are read; one poll may bring many messages. Default 2^25: 32 MB. */
  readonly maxAnswerLength?: number;
  /** Waits before a lost connection is tried again. Default: from 250 ms to 30 s. */
  readonly backOff?: Partial<BackOff>;
  /** Envelopes and messages remembered, to notice repetitions. Default 50,000 each: 10 MB at most. */
  readonly remembered?: number;
}

/**
 * A transport over somebody's Whisper node, go-ethereum 1.9 for one, by its JSON-RPC API. Wire profile, section 7.
 *
 * **This gives the node the private key of the identity**, as the node signs and opens what goes through it, and the
 * keys of the channels with it: who runs the node can write as you and read your partitioned and discovery
 * channels, for ever. (What the messenger has encrypted stays encrypted, to whoever did not have the key before.)
 * Use a node of your own. Keys are removed from the node on `close`; a process that dies leaves them there until
 * the node is started anew. A transport that keeps the key to itself is `createSealedTransport` over a carrier; this API
 * has no call that takes a sealed envelope.
 *
 * @throws INVALID_ARGUMENT
 */
export function createRpcTransport(options: RpcTransportOptions): Transport {
  const { url, crypto = defaultProvider(), ttl = 15, powTime = 5 } = options;
  const { polled } = parseNodeUrl(url, options.unsafePlaintext === true);
  if (!Number.isInteger(ttl) || ttl < 10) throw invalid('ttl', 'not a whole number of seconds, 10 or more');
  if (!Number.isInteger(powTime) || powTime < 1) throw invalid('powTime', 'not a whole number of seconds');
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
    channelKeys: new ChannelKeys(crypto),
  };
  return {
    capabilities: {
      maxPayloadBytes: ENVELOPE_MAX_BYTES - SEALING_OVERHEAD,
      history: false,
      confirmsSend: true,
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
  if (!URL.canParse(text)) throw invalid('url', 'not a URL');
  const { protocol, hostname } = new URL(text);
  if (!['ws:', 'wss:', 'http:', 'https:'].includes(protocol)) {
    throw invalid('url', 'neither ws:, wss:, http: nor https:');
  }
  const plaintext = protocol === 'ws:' || protocol === 'http:';
  if (plaintext && !plaintextAllowed && !LOOPBACK.test(hostname)) {
    throw invalid('url', 'the private key would travel unencrypted to another machine; use wss: or https:');
  }
  return { polled: protocol.startsWith('http') };
}

function invalid(what: string, reason: string): SottoError {
  return new SottoError('INVALID_ARGUMENT', `Not usable as ${what}: ${reason}.`, { what, reason });
}
