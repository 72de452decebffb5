import { type ClockSkew, type ErrorCode, isSottoError, type SottoError } from '@sotto/core';
import { TEXT_LIMIT } from './text.js';

/** An application's own sentences, by error code. */
export type Sentences = Readonly<Partial<Record<ErrorCode, string>>>;

/**
 * Explains an error in plain English: what is wrong, and what to do. Has specific sentences for whatever people type, paste
 * or scan wrongly. Never repeats the input.
 *
 * @param own sentences that fit the application better, for instance about where its data is
 */
export function explain(error: SottoError, own: Sentences = {}): string {
  const sentence = own[error.code];
  if (sentence !== undefined) return sentence;
  if (isSottoError(error, 'INVALID_MNEMONIC')) return aboutWords(error);
  if (isSottoError(error, 'INVALID_CONTACT_CARD')) return aboutCard(error);
  if (isSottoError(error, 'INVALID_TEXT')) return aboutText(error);
  if (isSottoError(error, 'INVALID_LENGTH')) return aboutLength(error);
  if (isSottoError(error, 'DEVICE_NOT_LINKED')) return aboutLink(error);
  if (isSottoError(error, 'LIMIT_EXCEEDED')) {
    const { what, actual, limit } = error.details;
    if (what === TEXT_LIMIT) return 'This is too long for one message. Shorten it, or send it in parts.';
    return `Too much (${what}): ${actual}. Up to ${limit} is possible.`;
  }
  if (isSottoError(error, 'MALFORMED_MESSAGE') && error.details.what === 'backup') {
    return 'This is not a backup, or it is damaged. Backups are files that end in .backup; was all of it copied?';
  }
  return SENTENCES[error.code] ?? error.message;
}

/** The sentence for a code alone, for instance of a failed message. */
export function explainCode(code: ErrorCode, own: Sentences = {}): string {
  return own[code] ?? SENTENCES[code] ?? 'Something went wrong.';
}

const SENTENCES: Sentences = {
  INVALID_PUBLIC_KEY:
    'This key does not exist. A character was changed or mistyped, or something else was copied.',
  MALFORMED_MESSAGE: 'This is not a valid contact card, key or contact code. Was all of it copied?',
  BUNDLE_SIGNATURE_INVALID:
    'This contact code was not signed by the person it names. Do not trust its source.',
  BUNDLE_IMPLAUSIBLE: 'This contact code has an impossible age or list of devices. Ask for a new one.',
  WRONG_IDENTITY: 'This is valid, but it belongs to someone else.',
  QR_UNREADABLE: 'No QR code was found in this picture. Try a sharper one, with some white around the code.',
  NO_DEVICE_REACHED: "None of this person's devices can be reached.",
  NOT_PERMITTED:
    'You are not allowed to do this: only administrators can change the group, and only members can write.',
  NOT_FOUND: 'This no longer exists here.',
  STORE_LOCKED: 'The data is in use: another window or program has it open.',
  STORE_UNAVAILABLE: 'The data cannot be read or written. Is the disk full?',
  STORE_CORRUPT: 'The data is damaged.',
  STORE_ROLLBACK: 'A part of the data was replaced by an older copy.',
  STORE_SCHEMA_NEWER: 'The data was made by a newer version of this program.',
  STORE_WRONG_PASSPHRASE: 'Wrong passphrase. Please try again; capitals and spaces count.',
  STATE_VERSION_UNSUPPORTED: 'This was made by a newer version of this program.',
  TRANSPORT_UNAVAILABLE: 'The node cannot be reached. What you write is sent when it is back.',
  TRANSPORT_REFUSED:
    'The node did not accept this message. Check that the clock of this device is right, then try again.',
  DIRECTORY_UNAVAILABLE: 'The directory of names and keys cannot be reached now. Try again later.',
  DIRECTORY_REFUSED: 'The directory of names and keys did not accept this.',
  DIRECTORY_ANSWER_INVALID: 'The directory of names and keys gave an invalid answer, which was not used.',
  BUNDLE_STALE: 'A newer version is already known.',
  BLOB_UNAVAILABLE: 'The place where files are kept cannot be reached now. Try again later.',
  BLOB_REFUSED: 'This file cannot be fetched from, or stored in, the place where files are kept.',
  LIMIT_EXCEEDED: 'This is more than can be sent at once.',
};

function aboutWords({ details }: SottoError<'INVALID_MNEMONIC'>): string {
  switch (details.problem) {
    case 'word': {
      const which = details.positions.join(', ');
      return details.positions.length === 1
        ? `Word ${which} is not in the list of recovery words. Is it spelled right?`
        : `The words at places ${which} are not in the list of recovery words. Are they spelled right?`;
    }
    case 'count':
      return `${details.count === 1 ? 'This is 1 word' : `These are ${details.count} words`}. There must be 12, 15, 18, 21 or 24.`;
    case 'checksum':
      return 'All words exist, but one is wrong or two are swapped.';
  }
}

function aboutCard({ details }: SottoError<'INVALID_CONTACT_CARD'>): string {
  switch (details.problem) {
    case 'not-a-card':
      return 'This is not a contact card. Was the right thing copied or scanned?';
    case 'damaged':
      return 'This contact card is damaged: a piece is missing, or a character was changed. Copy or scan it again.';
    case 'newer-version':
      return 'This contact card was made by a newer version of this program. Get that version to read it.';
  }
}

function aboutLink({ details }: SottoError<'DEVICE_NOT_LINKED'>): string {
  switch (details.reason) {
    case 'used':
      return 'Another device has used this code. Show a new one on the new device.';
    case 'expired':
      return 'Nobody answered in time. Show a new code on the new device.';
    case 'declined':
      return 'Linking was declined.';
    case 'cancelled':
      return 'Linking was ended on the other device.';
    case 'damaged':
      return 'What arrived is damaged. Nothing was stored; start again.';
    case 'silent':
      return 'Nothing came from the other device for a long time. If it has no account yet, show a new code on the new device.';
  }
}

function aboutText({ details }: SottoError<'INVALID_TEXT'>): string {
  switch (details.what) {
    case 'contact code':
      return 'This is not a contact card, key or contact code. Was something else copied?';
    case 'public key':
      return "This starts like a key, but has characters that keys don't have.";
    case 'safety number':
      return 'A safety number consists of digits only.';
    case 'ENS name':
      return 'This is not a name: alice.eth is one. Is a character wrong?';
    case 'Ethereum address':
      return 'This is not an Ethereum address: a character is missing or was changed. Copy it again.';
    case 'chat name':
      return 'The name of a public chat consists of lower-case letters a to z, digits and hyphens.';
    case 'message text':
      return details.reason === 'empty'
        ? 'Nothing was written.'
        : 'It contains characters that cannot be sent.';
    case 'device link code':
      return 'This is not the code of a new device, or a part of it is missing. Scan or copy it again.';
    case 'person name':
      return 'This name contains invisible characters. Please type it.';
    case 'base64':
    case 'conversation key':
    case 'enode URL':
    case 'hex':
    case 'installation id':
    case 'text':
      return 'It contains characters that cannot be used here.';
  }
}

function aboutLength({ details }: SottoError<'INVALID_LENGTH'>): string {
  return details.kind === 'safety number'
    ? `A safety number has 60 digits; these are ${details.actual}. Is the end missing?`
    : 'This key has the wrong length: something is missing, or there is too much.';
}

/**
 * Explains in plain English that the clock is off; `undefined` when it is right (again).
 * @param what of the event `clockSkew`
 */
export function explainClock({ skewMs, corrected }: ClockSkew): string | undefined {
  if (skewMs === 0) return undefined;
  const off = `The clock of this device is ${spanOf(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}.`;
  return corrected
    ? `${off} Messages still go through, but the times shown may be wrong. Please correct it.`
    : `${off} Messages can't be sent and received until it is corrected.`;
}

function spanOf(milliseconds: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const;
  const [unit, length] = units.find(([, one]) => milliseconds >= one) ?? ['second', 1_000];
  const count = Math.round(milliseconds / length);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
