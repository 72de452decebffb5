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
/** Envelopes in one packet at most: as many of the smallest that clients seal as go into 10 MiB. */
const MAX_ENVELOPES = 2 ** 15;
/** Bytes of the end of a mailbox request at most; deployed ones take 100. */
const REQUEST_COMPLETE_MAX_BYTES = 1024;
/** Bytes of a bare request at most; they have some 115, and later ones may have topics behind. */
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

/** What peers say to each other, EIP-627. Envelopes are encoded, as `encodeEnvelope` gives them. */
export type WhisperPacket =
  /** The first packet of each side, and never again. */
  | { readonly kind: 'status'; readonly status: WhisperStatus }
  | { readonly kind: 'envelopes'; readonly envelopes: readonly Uint8Array[] }
  /** Least proof of work taken from now on. */
  | { readonly kind: 'powRequirement'; readonly minimumPow: number }
  /** Topics wanted from now on, 64 bytes; `undefined` for all. */
  | { readonly kind: 'bloom'; readonly bloom: Uint8Array | undefined }
  /** A mailbox request, answered: of deployed ones its hash, the last envelope's and a cursor. */
  | { readonly kind: 'requestComplete'; readonly payload: Uint8Array }
  /** Asks a mailbox, sealed for it. */
  | { readonly kind: 'p2pRequest'; readonly envelope: Uint8Array }
  /** Asks a mailbox as newer clients do: `decodeBareMailRequest` reads it. */
  | { readonly kind: 'bareRequest'; readonly body: Uint8Array }
  /** For the receiver alone, not to be handed on, and perhaps expired: what a mailbox kept. */
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
      // go-ethereum takes a single one; Status nodes that, or a list.
      const [only] = packet.envelopes;
      const single = only !== undefined && packet.envelopes.length === 1;
      return { code: code.p2pMessages, body: single ? only : joinList(packet.envelopes) };
    }
  }
}

/**
 * Reads a packet. Envelopes are only told apart, not read: views of the bytes given.
 *
 * @returns `undefined` for a code that later software may know
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
      // Told apart by the first item: an id has 32 bytes, an expiry 4 at most.
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

/** Either one envelope, a list of byte strings, or a list of those. */
function splitP2pMessages(body: Uint8Array): Uint8Array[] {
  const parts = splitList('p2p messages', body, MAX_ENVELOPES);
  const [first] = parts;
  return first === undefined || isList(first) ? parts.map(envelopeOf) : [envelopeOf(body)];
}

function envelopeOf(item: Uint8Array): Uint8Array {
  if (!isList(item)) throw malformed('envelope', 'no list');
  if (item.length > ENVELOPE_MAX_BYTES) throw tooLong('envelope', ENVELOPE_MAX_BYTES, item.length);
  return item;
}

function tooLong(what: string, limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', `Too long: ${what}.`, { what: `bytes of ${what}`, limit, actual });
}
