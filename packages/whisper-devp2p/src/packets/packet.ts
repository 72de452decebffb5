import { copyBytes, SottoError } from '@sotto/core';
import {
  encodeItem,
  isList,
  joinList,
  malformed,
  readBytes,
  readInteger,
  splitList,
} from '@sotto/whisper-transport/internal';
import { BLOOM_LENGTH, ENVELOPE_MAX_BYTES } from '@sotto/whisper-transport/whisper';
import { isBareMailRequest } from '../mail/request.js';
import {
  decodeStatus,
  encodeStatus,
  powFromBits,
  powToBits,
  readBloom,
  type WhisperStatus,
} from './status.js';

/** Message codes of the capability `shh/6`. */
export const PACKET_CODES = 128;
/** Most envelopes of one packet: as many of the smallest that clients seal as fit into 10 MiB. */
const MAX_ENVELOPES = 2 ** 15;
/** Most bytes of a request's completion; deployed ones have 100. */
const REQUEST_COMPLETE_MAX_BYTES = 1024;
/** Most bytes of a bare request; they have about 115, and later versions may append topics. */
const BARE_REQUEST_MAX_BYTES = 4 * 1024;

const code = {
  status: 0,
  envelopes: 1,
  powRequirement: 2,
  bloom: 3,
  requestComplete: 125,
  p2pRequest: 126,
  p2pMessages: 127,
} as const;

/** The packets of Whisper, EIP-627. Envelopes are encoded, see `encodeEnvelope`. */
export type WhisperPacket =
  /** The first packet of each side, sent once. */
  | { readonly kind: 'status'; readonly status: WhisperStatus }
  | { readonly kind: 'envelopes'; readonly envelopes: readonly Uint8Array[] }
  /** The least proof of work accepted from now on. */
  | { readonly kind: 'powRequirement'; readonly minimumPow: number }
  /** The topics wanted from now on: a bloom filter, 64 bytes; `undefined` for all. */
  | { readonly kind: 'bloom'; readonly bloom: Uint8Array | undefined }
  /** The end of an answer to a mailserver request, see `encodeMailCompletion`. */
  | { readonly kind: 'requestComplete'; readonly payload: Uint8Array }
  /** A request to a mailserver, sealed for it. */
  | { readonly kind: 'p2pRequest'; readonly envelope: Uint8Array }
  /** A request to a mailserver in the form of newer clients, see `decodeBareMailRequest`. */
  | { readonly kind: 'bareRequest'; readonly body: Uint8Array }
  /** Envelopes of a mailserver: for the receiver alone, not to be forwarded, and possibly expired. */
  | { readonly kind: 'p2pMessages'; readonly envelopes: readonly Uint8Array[] };

export interface EncodedPacket {
  /** 0 to 127. */
  readonly code: number;
  /** RLP. */
  readonly body: Uint8Array;
}

export function encodePacket(packet: WhisperPacket): EncodedPacket {
  switch (packet.kind) {
    case 'status':
      return { code: code.status, body: encodeStatus(packet.status) };
    case 'envelopes':
      return { code: code.envelopes, body: joinList(packet.envelopes) };
    case 'powRequirement':
      return { code: code.powRequirement, body: encodeItem(powToBits(packet.minimumPow)) };
    case 'bloom':
      return {
        code: code.bloom,
        body: encodeItem(packet.bloom ?? new Uint8Array(BLOOM_LENGTH).fill(0xff)),
      };
    case 'requestComplete':
      return { code: code.requestComplete, body: encodeItem(packet.payload) };
    case 'p2pRequest':
      return { code: code.p2pRequest, body: packet.envelope };
    case 'bareRequest':
      return { code: code.p2pRequest, body: packet.body };
    case 'p2pMessages': {
      // go-ethereum accepts a single envelope, Status nodes also a list.
      const [only] = packet.envelopes;
      const single = only !== undefined && packet.envelopes.length === 1;
      return { code: code.p2pMessages, body: single ? only : joinList(packet.envelopes) };
    }
  }
}

/**
 * Reads a packet. Its envelopes are not decoded: they are views of the bytes given.
 *
 * @returns `undefined` for an unknown code, which later versions may use
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED
 */
export function decodePacket({ code: which, body }: EncodedPacket): WhisperPacket | undefined {
  switch (which) {
    case code.status:
      return { kind: 'status', status: decodeStatus(body) };
    case code.envelopes:
      return { kind: 'envelopes', envelopes: splitEnvelopes(body) };
    case code.powRequirement:
      return { kind: 'powRequirement', minimumPow: powFromBits(readInteger('proof of work', body)) };
    case code.bloom:
      return { kind: 'bloom', bloom: readBloom(readBytes('bloom filter', body), false) };
    case code.requestComplete: {
      const payload = copyBytes(readBytes('request complete', body));
      if (payload.length > REQUEST_COMPLETE_MAX_BYTES) {
        throw tooLong('request complete', REQUEST_COMPLETE_MAX_BYTES, payload.length);
      }
      return { kind: 'requestComplete', payload };
    }
    case code.p2pRequest:
      // They differ in the first item: an id has 32 bytes, an expiry at most 4.
      return isBareMailRequest(body)
        ? { kind: 'bareRequest', body: readBareRequest(body) }
        : { kind: 'p2pRequest', envelope: envelopeOf(body) };
    case code.p2pMessages:
      return { kind: 'p2pMessages', envelopes: splitP2pMessages(body) };
    default:
      return undefined;
  }
}

function readBareRequest(body: Uint8Array): Uint8Array {
  if (body.length > BARE_REQUEST_MAX_BYTES)
    throw tooLong('bare request', BARE_REQUEST_MAX_BYTES, body.length);
  return body;
}

function splitEnvelopes(body: Uint8Array): Uint8Array[] {
  return splitList('envelopes', body, MAX_ENVELOPES).map(envelopeOf);
}

/** Either one envelope, which is a list of byte strings, or a list of envelopes. */
function splitP2pMessages(body: Uint8Array): Uint8Array[] {
  const parts = splitList('p2p messages', body, MAX_ENVELOPES);
  const [first] = parts;
  return first === undefined || isList(first) ? parts.map(envelopeOf) : [envelopeOf(body)];
}

function envelopeOf(item: Uint8Array): Uint8Array {
  if (!isList(item)) throw malformed('envelope', 'not a list');
  if (item.length > ENVELOPE_MAX_BYTES) throw tooLong('envelope', ENVELOPE_MAX_BYTES, item.length);
  return item;
}

function tooLong(what: string, limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', `Too long: ${what}.`, { what: `bytes of ${what}`, limit, actual });
}
