import type { OutgoingProtoMessage, WakuDecoder, WakuEncoder } from './node.js';
import { decodeWakuMessage, encodeWakuMessage, type WakuMessage } from './waku-message.js';

const NANOSECONDS_PER_MS = 1_000_000n;

/** An encoder for a single message, so that its label and time stay as they are when it is sent again. */
export function encoderOf(pubsubTopic: string, message: WakuMessage): WakuEncoder {
  const { contentTopic, ephemeral = false } = message;
  return {
    pubsubTopic,
    contentTopic,
    ephemeral,
    toWire: async () => encodeWakuMessage(message),
    toProtoObj: async () => protoOf(message),
  };
}

/** A decoder that leaves messages as they are: the decoders of nodes drop those labelled 1. */
export function decoderOf(pubsubTopic: string, contentTopic: string): WakuDecoder {
  return {
    pubsubTopic,
    contentTopic,
    fromWireToProtoObj: async (bytes) => protoOf(decodeWakuMessage(bytes)),
    fromProtoObj: async (receivedOn, raw) => ({
      payload: raw.payload,
      contentTopic: raw.contentTopic,
      pubsubTopic: receivedOn,
      timestamp: raw.timestamp === undefined ? undefined : new Date(millisecondsOf(raw.timestamp)),
      rateLimitProof: undefined,
      ephemeral: raw.ephemeral,
      meta: raw.meta,
      raw,
    }),
  };
}

/** Milliseconds of a time in nanoseconds, rounded down. */
export function millisecondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / NANOSECONDS_PER_MS);
}

/** Nanoseconds of a time in milliseconds. */
export function nanosecondsOf(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds)) * NANOSECONDS_PER_MS;
}

/** Whether we read what has this label: 1, RFC 26, and 0, by which the encoders of nodes label anything. */
export function isReadable({ version = 0 }: { readonly version?: number | undefined }): boolean {
  return version === 0 || version === 1;
}

function protoOf(message: WakuMessage): OutgoingProtoMessage {
  return {
    payload: message.payload,
    contentTopic: message.contentTopic,
    version: message.version,
    timestamp: message.timestamp,
    meta: message.meta,
    rateLimitProof: undefined,
    ephemeral: message.ephemeral,
  };
}
