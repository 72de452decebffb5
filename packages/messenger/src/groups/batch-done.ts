import type { MemberOutcome } from '../runtime/results.js';

/** What was done of a message in one commit. */
export interface BatchDone {
  readonly outcomes: readonly MemberOutcome[];
  /** Members still to be encrypted for. */
  readonly left: number;
  /** Members altogether, when that is known only now. */
  readonly total?: number | undefined;
  /** Whether there is more to do. */
  readonly more: boolean;
}
