import { useEffect, useState, useSyncExternalStore } from 'react';

/** The list of conversations, current at each render. */
export function useConversations(conversations) {
  return useSyncExternalStore(useSubscribe(conversations), () => snapshotOf(conversations).list);
}

/** The entries of a conversation, oldest first; empty until they are read. */
export function useEntries(conversations, conversation) {
  const [entries, setEntries] = useState([]);
  useEffect(() => {
    let current = true;
    const read = async () => {
      const next = await conversations.entries(conversation);
      if (current) setEntries(next);
    };
    void read();
    const unsubscribe = conversations.subscribe(read);
    return () => {
      current = false;
      unsubscribe();
    };
  }, [conversations, conversation]);
  return entries;
}

// React compares what it gets with what it got: the same list until something has changed.
const snapshots = new WeakMap();

function snapshotOf(conversations) {
  if (!snapshots.has(conversations)) {
    const snapshot = { list: conversations.list() };
    conversations.subscribe(() => {
      snapshot.list = conversations.list();
    });
    snapshots.set(conversations, snapshot);
  }
  return snapshots.get(conversations);
}

function useSubscribe(conversations) {
  const [subscribe] = useState(() => {
    snapshotOf(conversations); // subscribes first, so that it is current when React asks
    return (changed) => conversations.subscribe(changed);
  });
  return subscribe;
}
