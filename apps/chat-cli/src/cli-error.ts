/** Codes of this program's own errors, in addition to those of the packages. */
export type CliErrorCode =
  /** The command line makes no sense. */
  | 'BAD_OPTION'
  /** A line that is not a valid request. */
  | 'BAD_REQUEST'
  | 'UNKNOWN_COMMAND'
  /** Several people or groups have this name. */
  | 'AMBIGUOUS_NAME'
  /** No person has this name, and it is not a key. */
  | 'UNKNOWN_PERSON'
  | 'UNKNOWN_CONVERSATION'
  /** No message waits to be tried again. */
  | 'NOTHING_FAILED'
  /** The request does not apply to this kind of conversation. */
  | 'WRONG_KIND'
  /** The safety numbers are different. */
  | 'NOT_THE_SAME'
  | 'FILE_UNREADABLE'
  | 'NOT_A_PICTURE'
  | 'FILE_EXISTS'
  /** There is no account, and no user who could be asked for one. */
  | 'NO_ACCOUNT'
  | 'ACCOUNT_EXISTS'
  | 'PASSPHRASE_NEEDED'
  /** A passphrase was given for a store that has none. */
  | 'NOT_ENCRYPTED'
  | 'NO_TERMINAL';

/** An error of this program, with words for people and a code for programs. Holds no secrets. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
