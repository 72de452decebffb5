import { encodeBase64, encodeUtf8 } from '@sotto/core';
import { decodeLenientBase64 } from './base64.js';
import { type Bundle, bundleToWire, type HybridPreKey, type SignedPreKey } from './bundle.js';
import { checkLimit, type DecodeLimits, type DecodeOptions, limitsOf } from './decode-limits.js';
import { type ExactJson, parseExactJson } from './exact-json.js';
import type { HybridPreKey as WireHybridPreKey } from './generated/sotto/secure_transport/v1/bundle.js';
import { malformed } from './malformed.js';

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT32 = 2n ** 32n - 1n;

/**
 * The proto3 JSON of a bundle, as deployed peers write it: fields in the order of their numbers, defaults left out,
 * bytes in base64, the timestamp as a string, prekeys in the byte order of their installation ids.
 * @throws INVALID_ARGUMENT when a version is not a uint32 or the timestamp not an int64
 * @throws INVALID_TEXT when an installation id has a lone surrogate
 */
export function encodeBundleJson(bundle: Bundle): string {
  const { identity, signedPreKeys, signature, timestamp, strictSignature } = bundleToWire(bundle);
  const preKeys = Array.from(signedPreKeys, ([installationId, preKey]) =>
    member(
      installationId,
      object([
        preKey.signedPreKey.length > 0 && member('signedPreKey', text(encodeBase64(preKey.signedPreKey))),
        preKey.version !== 0 && member('version', String(preKey.version)),
        preKey.protocolVersion !== 0 && member('protocolVersion', String(preKey.protocolVersion)),
        preKey.hybrid !== undefined && member('hybrid', hybridJson(preKey.hybrid)),
      ]),
    ),
  );
  return object([
    identity.length > 0 && member('identity', text(encodeBase64(identity))),
    preKeys.length > 0 && member('signedPreKeys', object(preKeys)),
    signature.length > 0 && member('signature', text(encodeBase64(signature))),
    timestamp !== 0n && member('timestamp', text(String(timestamp))),
    strictSignature.length > 0 && member('strictSignature', text(encodeBase64(strictSignature))),
  ]);
}

function hybridJson({ suites, curve25519PreKey, kemPreKeyHash, kemPreKey }: WireHybridPreKey): string {
  const bytes = (name: string, value: Uint8Array) =>
    value.length > 0 && member(name, text(encodeBase64(value)));
  return object([
    bytes('suites', suites),
    bytes('curve25519PreKey', curve25519PreKey),
    bytes('kemPreKeyHash', kemPreKeyHash),
    bytes('kemPreKey', kemPreKey),
  ]);
}

// Objects are assembled as text: a JavaScript object would order numeric keys by number.
const text = JSON.stringify as (value: string) => string;
const member = (name: string, json: string) => `${text(name)}:${json}`;
const object = (members: readonly (string | false)[]) => `{${members.filter(Boolean).join(',')}}`;

/**
 * Reads the proto3 JSON of a bundle. As that mapping requires, fields may have their names in the schema,
 * integers may be numbers or strings, base64 may be of either alphabet and unpadded, null is the default, and unknown
 * fields are ignored. A name that occurs twice is refused.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeBundleJson(json: string, options?: DecodeOptions): Bundle {
  const limits = limitsOf(options);
  checkLimit('JSON of a bundle, characters', json.length, limits.maxBundleBytes);
  const bundle = members('JSON of a bundle', parseJson(json));
  const strictSignature = readBytes(bundle, ['strictSignature', 'strict_signature'], limits);
  return {
    identity: readBytes(bundle, ['identity'], limits),
    signedPreKeys: readPreKeys(bundle, limits),
    signature: readBytes(bundle, ['signature'], limits),
    timestamp: readInteger(bundle, ['timestamp'], MIN_INT64, MAX_INT64),
    ...(strictSignature.length > 0 && { strictSignature }),
  };
}

/** A field's name in JSON, then in the schema where that is another one. */
type FieldNames = readonly [string] | readonly [string, string];

function readPreKeys(bundle: Members, limits: DecodeLimits): Map<string, SignedPreKey> {
  const preKeys = new Map<string, SignedPreKey>();
  const value = readField(bundle, ['signedPreKeys', 'signed_pre_keys']);
  if (value === undefined) return preKeys;
  const entries = members('signedPreKeys', value);
  checkLimit('signedPreKeys', entries.size, limits.maxDevicesPerBundle);
  for (const [installationId, entry] of entries) {
    checkLimit('installation id, bytes', utf8Length(installationId), limits.maxInstallationIdBytes);
    const preKey = members('signed prekey', entry);
    const hybrid = readHybrid(preKey, limits);
    preKeys.set(installationId, {
      signedPreKey: readBytes(preKey, ['signedPreKey', 'signed_pre_key'], limits),
      version: Number(readInteger(preKey, ['version'], 0n, MAX_UINT32)),
      protocolVersion: Number(readInteger(preKey, ['protocolVersion', 'protocol_version'], 0n, MAX_UINT32)),
      ...(hybrid && { hybrid }),
    });
  }
  return preKeys;
}

function readHybrid(preKey: Members, limits: DecodeLimits): HybridPreKey | undefined {
  const value = readField(preKey, ['hybrid']);
  if (value === undefined) return undefined;
  const hybrid = members('hybrid', value);
  const kemPreKey = readBytes(hybrid, ['kemPreKey', 'kem_pre_key'], limits, 'maxKemBytes');
  return {
    suites: readBytes(hybrid, ['suites'], limits),
    curve25519PreKey: readBytes(hybrid, ['curve25519PreKey', 'curve25519_pre_key'], limits),
    kemPreKeyHash: readBytes(hybrid, ['kemPreKeyHash', 'kem_pre_key_hash'], limits),
    ...(kemPreKey.length > 0 && { kemPreKey }),
  };
}

type Members = ReadonlyMap<string, ExactJson>;

function members(what: string, value: ExactJson): Members {
  if (!(value instanceof Map)) throw malformed(what, 'not a JSON object');
  return value;
}

function parseJson(json: string): ExactJson {
  try {
    return parseExactJson(json);
  } catch {
    // A SyntaxError, or a RangeError from nesting too deep.
    throw malformed('JSON of a bundle', 'not valid JSON');
  }
}

/** The value, or `undefined` for the default. */
function readField(from: Members, [name, schemaName]: FieldNames): ExactJson | undefined {
  if (schemaName === undefined || !from.has(schemaName)) return from.get(name) ?? undefined;
  if (from.has(name)) throw malformed(name, 'given under both of its names');
  return from.get(schemaName) ?? undefined;
}

function readBytes(
  from: Members,
  names: FieldNames,
  limits: DecodeLimits,
  limit: 'maxKeyBytes' | 'maxKemBytes' = 'maxKeyBytes',
): Uint8Array {
  const value = readField(from, names) ?? '';
  if (typeof value !== 'string') throw malformed(names[0], 'not text');
  const bytes = decodeLenientBase64(value);
  if (bytes === undefined) throw malformed(names[0], 'not base64');
  checkLimit(`${names[0]}, bytes`, bytes.length, limits[limit]);
  return bytes;
}

function readInteger(from: Members, names: FieldNames, min: bigint, max: bigint): bigint {
  const value = readField(from, names) ?? '0';
  const digits = typeof value === 'object' && 'digits' in value ? value.digits : value;
  const integer = typeof digits === 'string' ? parseInteger(digits) : undefined;
  if (integer === undefined) throw malformed(names[0], 'not an integer');
  if (integer < min || integer > max) throw malformed(names[0], 'out of range');
  return integer;
}

/** Exact for plain digits; also accepts the forms `1.0` and `1e3`. */
function parseInteger(digits: string): bigint | undefined {
  if (/^-?\d{1,20}$/.test(digits)) return BigInt(digits);
  const value = /^-?\d[\d.eE+-]{0,30}$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function utf8Length(installationId: string): number {
  try {
    return encodeUtf8(installationId).length;
  } catch {
    throw malformed('installation id', 'lone surrogate');
  }
}
