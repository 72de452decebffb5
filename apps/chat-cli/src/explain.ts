import { isSottoError, type SottoError } from '@sotto/core';
import { Complaint } from './complaint.js';

/** An error for programs and for people. */
export interface Explained {
  /** A code of `@sotto/core`, of this program, or `UNEXPECTED`. */
  readonly code: string;
  /** What is wrong, and what to do. Never repeats what was typed. */
  readonly message: string;
}

/** Each thing that people type, paste or scan wrongly has words of its own. */
export function explain(error: unknown): Explained {
  if (error instanceof Complaint) return { code: error.code, message: error.message };
  if (isSottoError(error)) return { code: error.code, message: sentenceFor(error) };
  return { code: 'UNEXPECTED', message: 'Something went wrong that was not expected. Please try again.' };
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
    const { what, actual, limit } = error.details;
    return `Too much (${what}): ${actual}. Up to ${limit} is possible.`;
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
  WRONG_IDENTITY: 'This card is sound, but it belongs to somebody else.',
  QR_UNREADABLE:
    'There is no QR code in this picture that can be read. Try a sharper one, with some white around the code.',
  NO_DEVICE_REACHED: 'None of the devices of this person can be written to.',
  NOT_PERMITTED: 'You may not do this in this group: only its administrators may, and only members write.',
  NOT_FOUND: 'This is not known here (any more).',
  STORE_LOCKED:
    'This data directory is in use: another chat-cli has it open. Close that one, or choose another --data.',
  STORE_UNAVAILABLE:
    'The data directory can not be read or written. Is the disk full, and does the directory belong to you?',
  STORE_CORRUPT: 'The data directory is damaged, or holds something else.',
  STORE_ROLLBACK: 'A part of the data directory was replaced by an older copy.',
  STORE_SCHEMA_NEWER: 'The data directory was made by a newer version of this program.',
  STORE_WRONG_PASSPHRASE: 'This is not the passphrase. Capitals and spaces count.',
  STATE_VERSION_UNSUPPORTED: 'This was made by a newer version of this program.',
  TRANSPORT_UNAVAILABLE: 'The node or peer can not be reached. What you write is sent when it is back.',
  TRANSPORT_REFUSED: 'The node or peer refuses this.',
};

function aboutWords({ details }: SottoError<'INVALID_MNEMONIC'>): string {
  switch (details.problem) {
    case 'word': {
      const which = details.positions.join(', ');
      return details.positions.length === 1
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
      return 'This is something else than a contact card. Was the right thing copied or scanned?';
    case 'damaged':
      return 'This contact card is damaged: a piece is missing, or a character was changed. Copy or scan it again.';
    case 'newer-version':
      return 'This contact card was made by a newer version of this program.';
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
