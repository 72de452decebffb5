import { concatBytes, copyBytes, SottoError } from '@sotto/core';
import { MAIL_CURSOR_LENGTH } from './request.js';

const HASH_LENGTH = 32;

/** What a mailserver says when it has sent all of an answer: code 125 of `shh/6`. */
export interface MailCompletion {
  /** Hash of the request's envelope. */
  readonly requestHash: Uint8Array;
  /** Hash of the last envelope sent; zeros when there was none. */
  readonly lastHash: Uint8Array;
  /** Where to go on; empty when this was all. */
  readonly cursor: Uint8Array;
}

/** `hash of the request 32 || hash of the last envelope 32 || cursor 36?`, as Status has it. */
export function encodeMailCompletion({ requestHash, lastHash, cursor }: MailCompletion): Uint8Array {
  return concatBytes(requestHash, lastHash, cursor);
}

/** Bytes are copied. @throws MALFORMED_MESSAGE */
export function decodeMailCompletion(payload: Uint8Array): MailCompletion {
  const cursorAt = 2 * HASH_LENGTH;
  // The oldest say only which request it was.
  if (![HASH_LENGTH, cursorAt, cursorAt + MAIL_CURSOR_LENGTH].includes(payload.length)) {
    throw new SottoError('MALFORMED_MESSAGE', 'This is no completion of a mail request.', {
      what: 'mail completion',
      reason: `${payload.length} bytes`,
    });
  }
  const lastHash = new Uint8Array(HASH_LENGTH);
  lastHash.set(payload.subarray(HASH_LENGTH, cursorAt));
  return {
    requestHash: copyBytes(payload.subarray(0, HASH_LENGTH)),
    lastHash,
    cursor: copyBytes(payload.subarray(cursorAt)),
  };
}
