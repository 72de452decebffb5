/** Codes of this program's own errors, in addition to the packages' codes. */
export type CliErrorCode =
  /** The command line is not valid. */
  | 'BAD_OPTION'
  /** A line that is not a valid request. */
  | 'BAD_REQUEST'
  | 'UNKNOWN_COMMAND'
  /** Several people or groups have this name. */
  | 'AMBIGUOUS_NAME'
  /** Not the name of a contact, nor a key, card or contact code. */
  | 'UNKNOWN_PERSON'
  /** Names can't be looked up: no chain was named. */
  | 'NAMES_OFF'
  /** A name points to another key than before, and the user has not decided. */
  | 'NAME_CHANGED'
  | 'UNKNOWN_CONVERSATION'
  /** No message has failed that could be retried. */
  | 'NOTHING_FAILED'
  /** The request does not apply to this kind of conversation. */
  | 'WRONG_KIND'
  /** The safety numbers are different. */
  | 'NOT_THE_SAME'
  | 'FILE_UNREADABLE'
  | 'NOT_A_PICTURE'
  | 'FILE_EXISTS'
  /** There is no account, and no user to ask for one. */
  | 'NO_ACCOUNT'
  | 'ACCOUNT_EXISTS'
  | 'PASSPHRASE_NEEDED'
  /** A passphrase was provided for a store that is not encrypted. */
  | 'NOT_ENCRYPTED'
  | 'NO_TERMINAL'
  /** The transport needs packages that do not come with this program. */
  | 'NOT_INSTALLED';

/** An error of this program: a message for people, a code for programs. Contains no secrets. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
