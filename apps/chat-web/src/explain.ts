import { isSottoError, type SottoError } from '@sotto/core';

/**
 * An error in plain words: what is wrong, and what to do. Each thing that people type, paste or scan wrongly has words
 * of its own. Never repeats what was typed.
 */
export function explain(error: unknown): string {
  if (isSottoError(error)) return sentenceFor(error);
  if (error instanceof TypeError) return error.message;
  return 'Something went wrong that was not expected. Please try again.';
}

function sentenceFor(error: SottoError): string {
  if (isSottoError(error, 'INVALID_MNEMONIC')) return aboutWords(error);
  if (isSottoError(error, 'INVALID_CONTACT_CARD')) return aboutCard(error);
  if (isSottoError(error, 'INVALID_TEXT')) return aboutText(error);
  if (isSottoError(error, 'INVALID_LENGTH')) {
    return error.details.what.startsWith('safety number')
      ? `A safety number has 60 digits; these are ${error.details.actual}. Is the end missing?`
      : 'A key of this length does not exist: some of it is missing, or there is too much.';
  }
  if (isSottoError(error, 'LIMIT_EXCEEDED')) {
    return `${capital(error.details.what)}: ${error.details.actual} is too much. Up to ${error.details.limit} is possible.`;
  }
  return SENTENCES[error.code] ?? error.message;
}

const SENTENCES: Partial<Record<SottoError['code'], string>> = {
  INVALID_PUBLIC_KEY:
    'This names a key that does not exist. A character was changed or mistyped, or something else was copied.',
  MALFORMED_MESSAGE:
    'This is no contact card, key or contact code: what is inside makes no sense. Was all of it copied?',
  BUNDLE_SIGNATURE_INVALID:
    'This contact code was not signed by the person that it names. Do not trust where it came from.',
  BUNDLE_IMPLAUSIBLE:
    'This contact code says impossible things about its devices or its age. Ask for a new one.',
  WRONG_IDENTITY: 'This code is sound, but it belongs to somebody else than the person here.',
  QR_UNREADABLE: 'No QR code was found in this picture. Try a sharper one, with some white around the code.',
  NO_DEVICE_REACHED: 'None of the devices of this person can be written to.',
  NOT_PERMITTED: 'You may not do this in this group (any more).',
  NOT_FOUND: 'This is not known here (any more).',
  STORE_LOCKED: 'Another tab has your conversations open.',
  STORE_UNAVAILABLE:
    'This browser can not store or read your data now. Is the disk full, or is this a private window?',
  STORE_CORRUPT: 'The data in this browser is damaged.',
  STORE_ROLLBACK: 'The data in this browser was replaced by an older copy in part.',
  STORE_SCHEMA_NEWER: 'The data in this browser was made by a newer version of this page. Reload to get it.',
  STORE_WRONG_PASSPHRASE: 'This is not the passphrase. Please try again; capitals and spaces count.',
  STATE_VERSION_UNSUPPORTED: 'This was made by a newer version of this software.',
  TRANSPORT_UNAVAILABLE: 'The node can not be reached. What you write is sent when it is back.',
  TRANSPORT_REFUSED: 'The node does not accept this message.',
};

function aboutWords({ details }: SottoError<'INVALID_MNEMONIC'>): string {
  switch (details.problem) {
    case 'word': {
      const { positions } = details;
      const which = positions.join(', ');
      return positions.length === 1
        ? `Word ${which} is none of the words that are used for this. Is it spelled right?`
        : `The words at places ${which} are none of the words that are used for this. Are they spelled right?`;
    }
    case 'count':
      return `${details.count === 1 ? 'This is 1 word' : `These are ${details.count} words`}. It has to be 12, 15, 18, 21 or 24.`;
    case 'checksum':
      return 'Each word exists, but they do not belong together: one is wrong, or two are swapped.';
  }
}

function aboutCard({ details }: SottoError<'INVALID_CONTACT_CARD'>): string {
  switch (details.problem) {
    case 'not-a-card':
      return 'This is something else than a contact card. Did you scan the right code?';
    case 'damaged':
      return 'This contact card is damaged: a piece is missing, or a character was changed. Copy or scan it again.';
    case 'newer-version':
      return 'This contact card was made by a newer version. Reload this page to get it.';
  }
}

function aboutText({ details }: SottoError<'INVALID_TEXT'>): string {
  switch (details.what) {
    case 'contact code':
      return 'This is no contact card, key or contact code: it has characters that none of them has. Was something else copied?';
    case 'public key':
      return 'This begins like a key, but is none: it has characters that no key has.';
    case 'safety number':
      return 'A safety number has digits only.';
    case 'chat name':
      return 'A public chat is named with small letters a to z, digits and hyphens.';
    case 'text of a message':
      return details.reason === 'empty'
        ? 'Nothing was written.'
        : 'There are characters in it that can not be sent.';
    case 'name of a person':
      return 'There are characters in this name that can not be seen. Please type it.';
    default:
      return 'There are characters in it that can not be used here.';
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
