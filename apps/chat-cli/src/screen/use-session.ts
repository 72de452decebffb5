import { type Entry, parseConversationKey } from '@sotto/conversations';
import { useEffect, useState } from 'react';
import { explain } from '../explain.js';
import { sizeText } from '../files.js';
import type { HandOverNews } from '../linking.js';
import { plain } from '../names.js';
import type { Session } from '../session.js';

/** Re-renders whenever something changes. @returns the latest warning, and a counter of changes */
export function useSession(session: Session): { readonly warning: string; readonly revision: number } {
  const [revision, setRevision] = useState(0);
  const [warning, setWarning] = useState('');
  useEffect(() => {
    const stops = [
      session.conversations.subscribe(() => setRevision((count) => count + 1)),
      session.profiles.subscribe(() => setRevision((count) => count + 1)),
      session.onNotice((notice) => {
        if (notice.what === 'warning') setWarning(notice.text);
        if (notice.what === 'linking') setWarning(linkingText(notice.news));
        setRevision((count) => count + 1);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [session]);
  return { warning, revision };
}

/** What is said of an account that is handed over. */
function linkingText(news: HandOverNews): string {
  switch (news.news) {
    case 'asks':
      return `${plain(news.name)} shows the code. Is it yours, and in your hands? /link yes or /link no`;
    case 'progress':
      return `The new device has ${sizeText(news.done)} of ${sizeText(news.total)}.`;
    case 'linked':
      return `${plain(news.name)} is linked. /devices`;
    case 'failed':
      return explain(news.error).message;
  }
}

/** The latest entries of a conversation. Marks it as read. */
export function useEntries(
  session: Session,
  key: string | undefined,
  limit: number,
  revision: number,
): readonly Entry[] {
  const [loaded, setLoaded] = useState<{ readonly key: string; readonly entries: readonly Entry[] }>();
  // `revision` changes when there may be new entries
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (key === undefined) return;
    let current = true;
    const conversation = parseConversationKey(key);
    session.conversations
      .entries(conversation, { limit })
      .then((entries) => current && setLoaded({ key, entries }))
      .then(() => session.conversations.markRead(conversation))
      // A storage error is reported as a warning; the next change tries again.
      .catch(() => undefined);
    return () => {
      current = false;
    };
  }, [session, key, limit, revision]);
  return loaded?.key === key ? (loaded?.entries ?? []) : [];
}
