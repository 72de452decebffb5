import { type PublicKey, SottoError } from '@sotto/core';

/** Longest name for a person, in characters. */
export const PERSON_NAME_MAX_CHARACTERS = 64;

/** A person as this user knows them. */
export interface Person {
  /** 33 bytes. */
  readonly identity: PublicKey;
  /** The name that the user gave them; empty when there is none. Never sent to others. */
  readonly name: string;
  /** Whether the user added this identity. */
  readonly contact: boolean;
  /** Whether the user has compared safety numbers. */
  readonly verified: boolean;
  /** Whether the user compared safety numbers and they were different, see `Conversations.reportMismatch`. */
  readonly mismatch: boolean;
  /** Whether the user blocked this identity. */
  readonly blocked: boolean;
}

/**
 * Parses a name for a person: trims white space, and turns runs of it into one space.
 * @throws INVALID_TEXT for control characters and those that change the writing direction, which can make a name
 * look like another one; LIMIT_EXCEEDED
 */
export function parsePersonName(text: string): string {
  const name = text.normalize('NFC').trim().replace(/\s+/g, ' ');
  if (/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u202a-\u202e\u2066-\u2069]/u.test(name)) {
    throw new SottoError('INVALID_TEXT', 'A name has letters, digits and signs that can be seen.', {
      what: 'person name',
      reason: 'control characters',
    });
  }
  const { length } = [...name];
  if (length > PERSON_NAME_MAX_CHARACTERS) {
    throw new SottoError('LIMIT_EXCEEDED', 'The name is too long.', {
      what: 'name of a person, characters',
      limit: PERSON_NAME_MAX_CHARACTERS,
      actual: length,
    });
  }
  return name;
}
