import { compareBytes, concatBytes, copyBytes, SottoError } from '@sotto/core';
import { type GroupPayload, Payload } from '../generated/sotto/messenger/v1/payload.js';

export type { GroupPayload } from '../generated/sotto/messenger/v1/payload.js';

/** Prefix of every payload of ours; no text, JSON or protobuf message begins like it. */
const MARKER = Uint8Array.of(0xff, ...new TextEncoder().encode('sotto'), 0, 1);

/** Content of a payload: an application's bytes, or something of ours. */
export type PayloadContent =
  | { readonly kind: 'application'; readonly payload: Uint8Array }
  /** A copy of what another device of ours sent, and to whom (33 bytes). */
  | { readonly kind: 'ownCopy'; readonly to: Uint8Array; readonly payload: Uint8Array }
  | { readonly kind: 'group'; readonly group: GroupPayload };

function hasMarker(bytes: Uint8Array): boolean {
  return bytes.length >= MARKER.length && compareBytes(bytes.subarray(0, MARKER.length), MARKER) === 0;
}

/**
 * Bytes of an application are sent as they are, so that deployed clients can read them. Two kinds are wrapped: those that
 * begin like a payload of ours, and empty ones, which outside of a session would mean that we could not read a message.
 */
export function encodePayload(content: PayloadContent): Uint8Array {
  switch (content.kind) {
    case 'application': {
      const { payload } = content;
      if (payload.length > 0 && !hasMarker(payload)) return payload;
      return wrap({ content: { $case: 'escaped', value: payload } });
    }
    case 'ownCopy':
      return wrap({ content: { $case: 'ownCopy', value: { to: content.to, payload: content.payload } } });
    case 'group':
      return wrap({ content: { $case: 'group', value: content.group } });
  }
}

function wrap(payload: Payload): Uint8Array {
  return concatBytes(MARKER, Payload.encode(payload).finish());
}

/**
 * Reads what {@link encodePayload} wrote, and anything that other software sends.
 * @throws MALFORMED_MESSAGE when it begins like one of ours, but is not valid
 */
export function decodePayload(bytes: Uint8Array): PayloadContent {
  if (!hasMarker(bytes)) return { kind: 'application', payload: bytes };
  const malformed = (reason: string, cause?: unknown) =>
    new SottoError(
      'MALFORMED_MESSAGE',
      'The payload begins like one of ours, but is not valid.',
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
  switch (content?.$case) {
    case 'escaped':
      return { kind: 'application', payload: copyBytes(content.value) };
    case 'ownCopy':
      return { kind: 'ownCopy', ...content.value };
    case 'group':
      return { kind: 'group', group: content.value };
    default:
      throw malformed('of a kind that this version does not know');
  }
}
