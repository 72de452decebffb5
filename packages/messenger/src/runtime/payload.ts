import { compareBytes, concatBytes, copyBytes, SottoError } from '@sotto/core';
import { Payload } from '../generated/sotto/messenger/v1/payload.js';

/** Begins every payload of ours; no text, JSON or protobuf message of an application begins so. */
const MARKER = Uint8Array.of(0xff, ...new TextEncoder().encode('sotto'), 0, 1);

/** What stands in a payload: an application's bytes, or something of ours. */
export type PayloadContent =
  | { readonly $case: 'application'; readonly value: Uint8Array }
  | Extract<NonNullable<Payload['content']>, { $case: 'ownCopy' | 'group' }>;

function hasMarker(bytes: Uint8Array): boolean {
  return bytes.length >= MARKER.length && compareBytes(bytes.subarray(0, MARKER.length), MARKER) === 0;
}

/**
 * Bytes of an application go as they are, so that deployed clients read them. Wrapped are those that begin like a payload
 * of ours, and none at all, which outside of a session would say something else: that we could not read.
 */
export function encodePayload(content: PayloadContent): Uint8Array {
  if (content.$case === 'application') {
    if (content.value.length > 0 && !hasMarker(content.value)) return content.value;
    return wrap({ content: { $case: 'escaped', value: content.value } });
  }
  return wrap({ content });
}

function wrap(payload: Payload): Uint8Array {
  return concatBytes(MARKER, Payload.encode(payload).finish());
}

/**
 * Reads what {@link encodePayload} wrote, and anything that other software sends.
 * @throws MALFORMED_MESSAGE when it begins as ours and does not go on so
 */
export function decodePayload(bytes: Uint8Array): PayloadContent {
  if (!hasMarker(bytes)) return { $case: 'application', value: bytes };
  const malformed = (reason: string, cause?: unknown) =>
    new SottoError(
      'MALFORMED_MESSAGE',
      'The payload is not one of ours after all.',
      { what: 'Payload', reason },
      { cause },
    );
  let payload: Payload;
  try {
    payload = Payload.decode(bytes.subarray(MARKER.length));
  } catch (cause) {
    throw malformed('it cannot be decoded', cause);
  }
  const { content } = payload;
  if (content === undefined) throw malformed('of a kind that this version does not know');
  return content.$case === 'escaped' ? { $case: 'application', value: copyBytes(content.value) } : content;
}
