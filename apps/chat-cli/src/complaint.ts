/** What a person or a program asked for and can't have, beside the errors of the packages. */
export type ComplaintCode =
  /** The command line makes no sense. */
  | 'BAD_OPTION'
  /** A line that is no request, or lacks something. */
  | 'BAD_REQUEST'
  | 'UNKNOWN_COMMAND'
  /** Several people or groups have this name. */
  | 'AMBIGUOUS_NAME'
  /** No one has this name, and it is no key either. */
  | 'UNKNOWN_PERSON'
  | 'UNKNOWN_CONVERSATION'
  /** No message waits to be tried again. */
  | 'NOTHING_FAILED'
  /** What was asked for does not go with this kind of conversation. */
  | 'WRONG_KIND'
  /** The safety numbers are different. */
  | 'NOT_THE_SAME'
  | 'FILE_UNREADABLE'
  | 'NOT_A_PICTURE'
  | 'FILE_EXISTS'
  /** There is no account, and no one who could be asked for one. */
  | 'NO_ACCOUNT'
  | 'ACCOUNT_EXISTS'
  | 'PASSPHRASE_NEEDED'
  /** A passphrase was given for a store that has none. */
  | 'NOT_ENCRYPTED'
  | 'NO_TERMINAL';

/** An error of this program, with words for people and a code for programs. Holds no secrets. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
  readonly code: ComplaintCode;

  constructor(code: ComplaintCode, message: string) {
    super(message);
    this.code = code;
  }
}
