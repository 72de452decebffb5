import { decodeUtf8, encodeUtf8, SottoError } from '@sotto/core';

/**
 * Longest text in bytes of UTF-8: about five pages. It is encrypted once for each device, and proof of work grows with its
 * length.
 */
export const TEXT_MAX_BYTES = 16 * 1024;

/** What an error calls that limit. */
export const TEXT_LIMIT = 'text of a message, bytes';

/** Characters not allowed in text: C0 and C1 controls except tab and line breaks, and Unicode noncharacters. */
const NOT_TEXT = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;
const CONTROLS_OF_TEXT = /[\t\n\r]/g;

/**
 * Encodes a text as the payload of a message: plain UTF-8, without a frame. Line breaks become `\n`.
 * @throws INVALID_TEXT when it is empty or white space, or has characters not allowed in text; LIMIT_EXCEEDED
 */
export function encodeText(text: string): Uint8Array {
  const plain = text.replace(/\r\n?/g, '\n');
  // Each UTF-16 unit takes at least one byte of UTF-8, so a text that is too long by that count isn't encoded at all.
  if (plain.length > TEXT_MAX_BYTES) throw tooLong(plain.length);
  const bytes = encodeUtf8(plain);
  if (bytes.length > TEXT_MAX_BYTES) throw tooLong(bytes.length);
  if (plain.trim() === '') throw notText('empty');
  checkCharacters(plain);
  return bytes;
}

/**
 * Decodes the text of a payload.
 * @throws INVALID_TEXT when it is not a text: not UTF-8, empty, or with control characters
 * @throws LIMIT_EXCEEDED beyond {@link TEXT_MAX_BYTES}
 */
export function decodeText(payload: Uint8Array): string {
  if (payload.length > TEXT_MAX_BYTES) throw tooLong(payload.length);
  const text = decodeUtf8(payload);
  if (text.trim() === '') throw notText('empty');
  checkCharacters(text);
  return text;
}

/**
 * By how many characters a text is too long for one message; 0 when it fits. Counted as people see them while they delete from
 * the end: in code points.
 */
export function excessCharacters(text: string): number {
  const plain = text.replace(/\r\n?/g, '\n');
  // A UTF-16 unit takes three bytes at most.
  if (3 * plain.length <= TEXT_MAX_BYTES) return 0;
  let bytes = 0;
  let excess = 0;
  for (const character of plain) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > TEXT_MAX_BYTES) excess++;
  }
  return excess;
}

function checkCharacters(text: string): void {
  if (NOT_TEXT.test(text.replace(CONTROLS_OF_TEXT, ''))) throw notText('control characters');
}

function notText(reason: string): SottoError<'INVALID_TEXT'> {
  return new SottoError('INVALID_TEXT', `This text cannot be shown: ${reason}.`, {
    what: 'message text',
    reason,
  });
}

function tooLong(actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', 'The text is too long for one message.', {
    what: TEXT_LIMIT,
    limit: TEXT_MAX_BYTES,
    actual,
  });
}
