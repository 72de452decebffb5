import { explainCode } from '@sotto/conversations';
import type { ErrorCode } from '@sotto/core';
import type { DirectoryState } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { timeOf } from '../format.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { Time } from './time.js';

/** Where others find this account while it is offline, and since when. Nothing where nothing is set. */
export function Published() {
  const { messenger, finding } = useSession();
  const [states, setStates] = useState<readonly DirectoryState[]>([]);
  const now = useRevision();
  // `now` says that there may be something new
  useEffect(() => {
    if (finding.directories.length > 0) messenger.contacts.directories().then(setStates, () => undefined);
  }, [messenger, now]);
  const own = states.filter(
    ({ capabilities: { publishing } }) => publishing === 'free' || publishing === 'paid',
  );
  if (own.length === 0) return null;
  return (
    <ul class="lines" aria-label="Where others find you">
      {own.map(({ directory, publishedAt, errorCode }) => (
        <li key={directory}>
          {directory.toUpperCase()}:{' '}
          {publishedAt === undefined ? (
            'not published yet'
          ) : (
            <>
              published <Time at={publishedAt} as={timeOf} />
            </>
          )}
          {errorCode !== undefined && (
            <span class="hint"> The last attempt failed. {explainCode(errorCode as ErrorCode)}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
