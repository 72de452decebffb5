import { systemClock, type Transport } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import type { SegmentLimits } from '@sotto/status-messages';
import type { Pbkdf2 } from '@sotto/whisper-transport';
import { createTransportOfFormat, rfc26Format } from '@sotto/whisper-transport/internal';
import type { WakuNode } from './node.js';
import { withSegments } from './segmented.js';
import { createWakuCarrier, type WakuCarrierOptions } from './waku-carrier.js';

/** Options of {@link createWakuTransport}. */
export interface WakuTransportOptions extends Omit<WakuCarrierOptions, 'version'> {
  /** Default: the best provider for this platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Derives channel keys off this thread, as of `createSealedTransport`. Default: the provider does. */
  readonly pbkdf2?: Pbkdf2 | undefined;
  /** As of `createSealedTransport`. Default 64 MiB. */
  readonly maxWaitingBytes?: number | undefined;
  /**
   * Whether payloads of more than 786,432 bytes are cut into segments, and those of others are put together, as Status clients of 2024
   * do; limits for what is put together may be given. Default true: payloads up to 16 MiB.
   */
  readonly segments?: boolean | Partial<SegmentLimits> | undefined;
}

/**
 * A transport that Status clients of 2024 understand, over the application's own Waku node: every message is signed, padded and encrypted
 * for its channel as of RFC 26, and sent with label 1 on the content topic of the channel. No keys reach the node.
 *
 * RFC 26 doesn't sign the time of a message, and messages don't expire: whoever has recorded one can send it again with another time.
 * The messenger drops such repetitions, since each message has a ratchet key of its own.
 * @throws INVALID_ARGUMENT
 */
export function createWakuTransport(node: WakuNode, options: WakuTransportOptions = {}): Transport {
  const { crypto = defaultProvider(), clock = systemClock, remembered, segments = true, pbkdf2 } = options;
  const { maxWaitingBytes } = options;
  const carrier = createWakuCarrier(node, options);
  const settings = { crypto, clock, pbkdf2, remembered, maxWaitingBytes };
  const transport = createTransportOfFormat(carrier, rfc26Format, settings);
  if (segments === false) return transport;
  return withSegments(transport, { crypto, clock, limits: segments === true ? undefined : segments });
}
