import { decodeUtf8, encodeBase64, encodeUtf8, SottoError } from '@sotto/core';
import { decodeLenientBase64 } from './base64.js';
import { type Bundle, decodeBundle } from './bundle.js';
import { decodeBundleJson, encodeBundleJson } from './bundle-json.js';
import { checkLimit, type DecodeOptions, limitsOf } from './decode-limits.js';
import { malformed } from './malformed.js';

/** `{`, the first byte of the JSON of every bundle, and of no protobuf, where it would be the tag of a group. */
const OPENING_BRACE = 0x7b;

/** Both alphabets of base64. */
const BASE64_DIGITS = /^[0-9a-z+/_-]*$/i;

/**
 * The contact code of a bundle: its proto3 JSON in base64 (specification, "Prekeys").
 * @throws INVALID_ARGUMENT when a version is not a uint32 or the timestamp not an int64
 * @throws INVALID_TEXT when an installation id has a lone surrogate
 */
export function encodeContactCode(bundle: Bundle): string {
  return encodeBase64(encodeUtf8(encodeBundleJson(bundle)));
}

/**
 * Reads a contact code: base64 of a bundle's proto3 JSON or, as some releases made it, of the Bundle message. White
 * space around it is ignored, and the URL-safe alphabet and missing padding are accepted. The bundle's
 * signature is not checked here.
 * @throws INVALID_TEXT when it has characters outside of base64
 * @throws MALFORMED_MESSAGE when it doesn't contain a bundle, or is cut off
 * @throws LIMIT_EXCEEDED
 */
export function decodeContactCode(text: string, options?: DecodeOptions): Bundle {
  const { maxBundleBytes } = limitsOf(options);
  const code = text.trim();
  checkLimit('contact code, characters', code.length, 4 * Math.ceil(maxBundleBytes / 3));
  const bytes = decodeLenientBase64(code);
  if (bytes === undefined) {
    // A code that is cut off may not decode to whole bytes.
    if (BASE64_DIGITS.test(code)) throw malformed('contact code', 'cut off');
    throw new SottoError('INVALID_TEXT', 'Not a valid contact code: not base64.', {
      what: 'contact code',
      reason: 'not base64',
    });
  }
  if (bytes.length === 0) throw malformed('contact code', 'empty');
  return bytes[0] === OPENING_BRACE
    ? decodeBundleJson(jsonText(bytes), options)
    : decodeBundle(bytes, options);
}

function jsonText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw malformed('contact code', 'JSON that is not UTF-8');
  }
}
