import { concatBytes, encodeUtf8, parseBytes, SottoError } from '@sotto/core';

/** Whose chain it is, and in which group: part of what each message authenticates, and on none of them. */
export interface ChainContext {
  /** 32 bytes. */
  readonly groupId: Uint8Array;
  /** Identity of the sender, 33 bytes, compressed SEC1. */
  readonly sender: Uint8Array;
  /** Installation id of the sender's device. */
  readonly installationId: string;
}

const LABEL = encodeUtf8('sotto sender key message 1');
const GROUP_ID_LENGTH = 32;
const KEY_LENGTH = 33;

/**
 * `label || group id || sender || chain || BE32(index) || installation id`: the associated data of one message. Only the last
 * part varies in length, so no two messages have the same.
 * @throws INVALID_LENGTH
 */
export function associatedDataOf(context: ChainContext, chain: Uint8Array, index: number): Uint8Array {
  const groupId = parseLength(context.groupId, 'group id', GROUP_ID_LENGTH);
  const sender = parseLength(context.sender, 'sender', KEY_LENGTH);
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, index);
  return concatBytes(LABEL, groupId, sender, chain, number, encodeUtf8(context.installationId));
}

/** @throws INVALID_LENGTH */
export function parseLength(bytes: Uint8Array, what: string, expected: number): Uint8Array {
  if (parseBytes(bytes, what).length === expected) return bytes;
  throw new SottoError('INVALID_LENGTH', `A ${what} has ${expected} bytes.`, {
    what,
    expected,
    actual: bytes.length,
  });
}
