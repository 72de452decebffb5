import { concatBytes, copyBytes, encodeUtf8, SottoError } from '@sotto/core';
import { MAIL_CURSOR_LENGTH } from './request.js';

const HASH_LENGTH = 32;
/** The prefix of a refusal. */
const ERROR = encodeUtf8('ERROR=');

/** How a mailserver ends an answer: code 125 of `shh/6`. */
export type MailCompletion =
  /** All envelopes were sent. */
  | {
      readonly outcome: 'completed';
      /** Hash of the request's envelope, or the id of a bare request; 32 bytes. */
      readonly requestId: Uint8Array;
      /** Hash of the last envelope sent, 32 bytes; zeros when there were none. */
      readonly lastHash: Uint8Array;
      /** The cursor of the next page, 36 bytes; empty when this was the last. */
      readonly cursor: Uint8Array;
    }
  /** The request was refused. */
  | {
      readonly outcome: 'refused';
      readonly requestId: Uint8Array;
      /** For people; in the mailserver's words. */
      readonly reason: string;
    };

/** `request 32 || hash of the last envelope 32 || cursor 36?`, or `ERROR= || request 32 || text`, as Status does. */
export function encodeMailCompletion(completion: MailCompletion): Uint8Array {
  if (completion.outcome === 'refused') {
    return concatBytes(ERROR, completion.requestId, encodeUtf8(completion.reason));
  }
  const { requestId, lastHash, cursor } = completion;
  return concatBytes(requestId, lastHash, cursor);
}

/** Reads an {@link encodeMailCompletion}, as deployed clients do. Bytes are copied. @throws MALFORMED_MESSAGE */
export function decodeMailCompletion(payload: Uint8Array): MailCompletion {
  const textAt = ERROR.length + HASH_LENGTH;
  if (payload.length >= textAt && ERROR.every((byte, i) => payload[i] === byte)) {
    return {
      outcome: 'refused',
      requestId: copyBytes(payload.subarray(ERROR.length, textAt)),
      reason: readableText(payload.subarray(textAt)),
    };
  }
  const cursorAt = 2 * HASH_LENGTH;
  if (payload.length < HASH_LENGTH || payload.length > cursorAt + MAIL_CURSOR_LENGTH) {
    throw new SottoError('MALFORMED_MESSAGE', 'Not a valid completion of a mail request.', {
      what: 'mail completion',
      reason: `${payload.length} bytes`,
    });
  }
  // The oldest mailservers send the request's hash only.
  const lastHash = new Uint8Array(HASH_LENGTH);
  lastHash.set(payload.subarray(HASH_LENGTH, cursorAt));
  const cursor = copyBytes(payload.subarray(cursorAt));
  return {
    outcome: 'completed',
    requestId: copyBytes(payload.subarray(0, HASH_LENGTH)),
    lastHash,
    cursor: cursor.length === MAIL_CURSOR_LENGTH ? cursor : new Uint8Array(0),
  };
}

/** A text from outside, for a log or a screen: without characters that can't be shown. */
function readableText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.replaceAll(/[\p{C}\uFFFD]/gu, '').trim();
}
