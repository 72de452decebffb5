import { invalidArgument, parseText, Redacted } from '@sotto/core';

/** An identity of the age format as text: 74 characters. */
const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

/** What decrypts the parts of one file. Printing and logging show no key. */
export class AttachmentKey extends Redacted {
  readonly #text: string;

  /**
   * @param text an X25519 identity of the age format, `AGE-SECRET-KEY-1...`
   * @throws INVALID_ARGUMENT
   */
  constructor(text: string) {
    super();
    if (!IDENTITY.test(parseText(text, 'attachment key')))
      throw invalidArgument('attachment key', 'not AGE-SECRET-KEY-1 and 58 characters');
    this.#text = text;
  }

  /** The secret text, for `age --decrypt`. */
  reveal(): string {
    return this.#text;
  }
}
