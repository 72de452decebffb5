import { type Entry, parseConversationKey } from '@sotto/conversations';
import { useEffect, useState } from 'react';
import type { Session } from '../session.js';

/** Draws anew whenever something changes. @returns what should be said in the bottom line, and a count of changes */
export function useSession(session: Session): { readonly warning: string; readonly revision: number } {
  const [revision, setRevision] = useState(0);
  const [warning, setWarning] = useState('');
  useEffect(() => {
    const stops = [
      session.conversations.subscribe(() => setRevision((count) => count + 1)),
      session.onNotice((notice) => {
        if (notice.what === 'warning') setWarning(notice.text);
        setRevision((count) => count + 1);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [session]);
  return { warning, revision };
}

/** The last entries of a conversation; marks it as read. */
export function useEntries(
  session: Session,
  key: string | undefined,
  limit: number,
  revision: number,
): readonly Entry[] {
  const [loaded, setLoaded] = useState<{ readonly key: string; readonly entries: readonly Entry[] }>();
  // `revision` says that there may be more
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (key === undefined) return;
    let current = true;
    const conversation = parseConversationKey(key);
    session.conversations
      .entries(conversation, { limit })
      .then((entries) => current && setLoaded({ key, entries }))
      .then(() => session.conversations.markRead(conversation))
      // Told as a warning, if it is one; the next change tries again.
      .catch(() => undefined);
    return () => {
      current = false;
    };
  }, [session, key, limit, revision]);
  return loaded?.key === key ? (loaded?.entries ?? []) : [];
}
