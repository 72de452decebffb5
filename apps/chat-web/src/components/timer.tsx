import { describeDuration, type Message } from '@sotto/conversations';
import { useEffect, useState } from 'preact/hooks';
import { fullTimeOf, shortDuration } from '../format.js';
import { Icon } from './icon.js';

/** When a message disappears: after how long or, once it counts, in how long. */
export function TimerOfMessage({ message: { timer, expiresAt, own } }: { readonly message: Message }) {
  const left = useSecondsLeft(expiresAt);
  if (timer === undefined) return null;
  const words =
    expiresAt === undefined
      ? `Disappears ${describeDuration(timer)} after it ${own ? 'was sent' : 'was read'}`
      : `Disappears at ${fullTimeOf(expiresAt)}`;
  return (
    <span class="timer" title={words}>
      <Icon name="timer" />
      <span aria-hidden="true">{shortDuration(left ?? timer)}</span>
      <span class="sr-only">{words}</span>
    </span>
  );
}

/** Seconds until then, rounded to what is shown; drawn again when that changes. */
function useSecondsLeft(until: number | undefined): number | undefined {
  const [now, setNow] = useState(Date.now);
  const left = until === undefined ? undefined : Math.max(1, Math.ceil((until - now) / 1_000));
  useEffect(() => {
    if (left === undefined) return;
    // Nobody watches a day go by second by second.
    const step = left > 3_600 ? 600 : left > 60 ? 30 : 1;
    const timer = setTimeout(() => setNow(Date.now()), step * 1_000);
    return () => clearTimeout(timer);
  }, [left, now]);
  return left;
}
