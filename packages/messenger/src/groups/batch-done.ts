import type { MemberOutcome } from '../runtime/results.js';
import type { FanoutRecord } from '../storage/records.js';

/** What was done of a message in one commit. */
export interface BatchDone {
  readonly outcomes: readonly MemberOutcome[];
  /** Members altogether, when that is known only now. */
  readonly total?: number | undefined;
  /** What is left of the message; `undefined` when nothing is. */
  readonly next: FanoutRecord | undefined;
}
