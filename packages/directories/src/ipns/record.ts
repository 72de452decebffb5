import {
  compareBytes,
  concatBytes,
  copyBytes,
  decodeUtf8,
  encodeUtf8,
  type KeyPair,
  type PublicKey,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeCborMap, encodeCborMap } from './cbor.js';
import { decodeDer, encodeDer } from './der.js';
import { bytesField, readFields } from './varint.js';

/*
 * IPNS records (https://specs.ipfs.tech/ipns/ipns-record/), of version 2 alone: its signature covers all of the record, after
 * a prefix that nothing else is signed with. The text under a signature of version 1 has no prefix; none is made or believed.
 */

/** Largest record in bytes, as the specification has it. */
export const MAX_RECORD_BYTES = 10 * 1024;

/** `ipns-signature:` */
const SIGNATURE_PREFIX = /* @__PURE__ */ encodeUtf8('ipns-signature:');
const FIELD = { signatureV2: 8, data: 9 } as const;
const NANOSECONDS_PER_MS = 1_000_000n;

/** What a record says. */
export interface IpnsRecord {
  /** The path that the name leads to, such as `/ipfs/bafkrei…`. */
  readonly value: string;
  /** Grows with each change of the value. */
  readonly sequence: bigint;
  /** Milliseconds since the epoch until which it is valid. */
  readonly validUntil: number;
}

/**
 * Makes a record and signs it with the identity key, which is also the name's.
 * @param ttlMs how long others may answer from a cache, in milliseconds
 */
export function createIpnsRecord(
  crypto: CryptoProvider,
  identity: KeyPair,
  { value, sequence, validUntil, ttlMs }: IpnsRecord & { readonly ttlMs: number },
): Uint8Array {
  const data = encodeCborMap([
    ['TTL', BigInt(ttlMs) * NANOSECONDS_PER_MS],
    ['Value', encodeUtf8(value)],
    ['Sequence', sequence],
    ['Validity', encodeUtf8(new Date(validUntil).toISOString().replace('Z', '000000Z'))],
    ['ValidityType', 0n],
  ]);
  const digest = crypto.sha256(SIGNATURE_PREFIX, data);
  const signature = crypto.secp256k1.signRecoverable(digest, identity.privateKey);
  return concatBytes(bytesField(FIELD.signatureV2, encodeDer(signature)), bytesField(FIELD.data, data));
}

/**
 * Reads a record and checks that this identity signed it; not whether it is still valid.
 * @returns why it isn't one, as a text, where it isn't
 */
export function parseIpnsRecord(
  crypto: CryptoProvider,
  identity: PublicKey,
  bytes: Uint8Array,
): IpnsRecord | string {
  if (bytes.length > MAX_RECORD_BYTES) return 'an IPNS record that is too large';
  const fields = readFields(bytes);
  const signature = fields?.get(FIELD.signatureV2);
  const data = fields?.get(FIELD.data);
  if (!(signature instanceof Uint8Array) || !(data instanceof Uint8Array)) {
    return 'not an IPNS record with a signature of version 2';
  }
  const digest = crypto.sha256(SIGNATURE_PREFIX, data);
  if (!signedBy(crypto, identity, digest, copyBytes(signature))) {
    return 'an IPNS record that another key signed';
  }
  const entries = decodeCborMap(data);
  const [value, sequence, validity, kind] = ['Value', 'Sequence', 'Validity', 'ValidityType'].map((name) =>
    entries?.get(name),
  );
  const validUntil = validity instanceof Uint8Array ? timeOf(validity) : undefined;
  if (
    !(value instanceof Uint8Array) ||
    typeof sequence !== 'bigint' ||
    kind !== 0n ||
    validUntil === undefined
  ) {
    return 'an IPNS record whose data is not as specified';
  }
  try {
    return { value: decodeUtf8(value), sequence, validUntil };
  } catch {
    return 'an IPNS record whose value is not a text';
  }
}

/** RFC 3339 in UTC, with up to nine digits after the second, as records have it. */
function timeOf(bytes: Uint8Array): number | undefined {
  const [, seconds, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.](\d{1,9}))?Z$/.exec(
      String.fromCharCode(...bytes.subarray(0, 40)),
    ) ?? [];
  const time =
    seconds === undefined ? Number.NaN : Date.parse(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  return bytes.length > 40 || Number.isNaN(time) ? undefined : time;
}

/** libp2p's signatures don't say which of two keys made them. */
function signedBy(crypto: CryptoProvider, identity: PublicKey, digest: Uint8Array, der: Uint8Array): boolean {
  const rs = decodeDer(der);
  if (rs === undefined) return false;
  return [0, 1].some((v) => {
    try {
      const signer = crypto.secp256k1.recoverPublicKey(digest, concatBytes(rs, Uint8Array.of(v)));
      return compareBytes(signer, identity) === 0;
    } catch {
      return false;
    }
  });
}
