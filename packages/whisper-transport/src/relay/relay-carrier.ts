import { randomBytes } from '@noble/hashes/utils.js';
import {
  type Carrier,
  type Clock,
  invalidArgument,
  type Logger,
  type RandomSource,
  silentLogger,
  systemClock,
} from '@sotto/core';
import { DEFAULT_MINIMUM_POW, ENVELOPE_MAX_BYTES } from '../envelope/limits.js';
import { type BackOff, DEFAULT_BACK_OFF } from '../web-socket/back-off.js';
import { globalWebSocket, type OpenWebSocket } from '../web-socket/web-socket-like.js';
import { RelayConnection } from './relay-connection.js';

/** Options of {@link createRelayCarrier}. */
export interface RelayCarrierOptions {
  /** Address of the relay: `ws:` or `wss:`. Envelopes are sealed, but without TLS an eavesdropper learns what the relay does. */
  readonly url: string;
  /** Whether the relay keeps an archive. Default true, as `whisper-node` does. */
  readonly history?: boolean | undefined;
  /** Proof of work that the relay requires. Default 0.002, as with deployed nodes. */
  readonly minimumPow?: number | undefined;
  /** Largest envelope in bytes. Default 1 MiB, as with deployed nodes. */
  readonly maxEnvelopeBytes?: number | undefined;
  /** Default: the runtime's own WebSocket; in Node.js the package `ws`, if it is installed. */
  readonly webSocket?: OpenWebSocket | undefined;
  /** Randomises the waits between attempts. Default: `crypto.getRandomValues`. */
  readonly random?: RandomSource | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Receives events, never keys or contents. Default: none. */
  readonly logger?: Logger | undefined;
  /** Milliseconds until a call times out. Default 10,000. */
  readonly callTimeout?: number | undefined;
  /** Milliseconds between two checks that the relay still answers. Default 30,000. */
  readonly heartbeat?: number | undefined;
  /**
   * Milliseconds that a call without a signal waits while the relay is offline, before it fails with TRANSPORT_UNAVAILABLE; with a
   * signal it waits until the signal fires. Default 5,000.
   */
  readonly offlineTimeout?: number | undefined;
  /** Envelopes requested in one page of a history, 1 to 65,535. Default 500; the relay may send fewer. */
  readonly pageSize?: number | undefined;
  /** Waits between attempts to reconnect. Default: from 250 ms to 30 s. */
  readonly backOff?: Partial<BackOff> | undefined;
}

/**
 * A carrier over the WebSocket relay of a Whisper node, `docs/relay-protocol.md`: for browsers, and wherever there are no Whisper peers. It
 * carries sealed envelopes: `createSealedTransport(createRelayCarrier({ url }))`. The relay has no
 * key; it learns which topics are subscribed and written to, when, and from which address.
 *
 * @throws INVALID_ARGUMENT
 */
export function createRelayCarrier(options: RelayCarrierOptions): Carrier {
  const { url, history = true, pageSize = 500 } = options;
  if (!URL.canParse(url) || !['ws:', 'wss:'].includes(new URL(url).protocol)) {
    throw invalidArgument('url', 'not a URL that begins with ws: or wss:');
  }
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 0xffff) {
    throw invalidArgument('pageSize', 'not a whole number from 1 to 65535');
  }
  const maxEnvelopeBytes = options.maxEnvelopeBytes ?? ENVELOPE_MAX_BYTES;
  const settings = {
    url,
    history,
    random: options.random ?? randomBytes,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    openWebSocket: options.webSocket ?? globalWebSocket,
    maxEnvelopeBytes,
    callTimeout: options.callTimeout ?? 10_000,
    heartbeat: options.heartbeat ?? 30_000,
    offlineTimeout: options.offlineTimeout ?? 5_000,
    pageSize,
    backOff: { ...DEFAULT_BACK_OFF, ...options.backOff },
  };
  return {
    capabilities: {
      maxEnvelopeBytes,
      history,
      minimumPow: options.minimumPow ?? DEFAULT_MINIMUM_POW,
    },
    async open(handler, { signal } = {}) {
      const connection = new RelayConnection(handler, settings);
      await connection.open(signal);
      return connection;
    },
  };
}
