import { fullTimeOf } from '../format.js';

interface TimeProps {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Makes the text that is shown. */
  readonly as: (milliseconds: number) => string;
}

/** A moment: short on the screen, complete for programs and on request. */
export function Time({ at, as }: TimeProps) {
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTimeOf(at)}>
      {as(at)}
    </time>
  );
}
