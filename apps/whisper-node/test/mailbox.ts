import type { KeyPair, LocalParty, TransportMessage, TransportStatus } from '@sotto/core';

/** A party that keeps what it gets, and can be waited for. */
export function mailbox(identity: KeyPair) {
  const messages: TransportMessage[] = [];
  const statuses: TransportStatus[] = [];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };
  const until = (fulfilled: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!fulfilled()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const party: LocalParty = {
    identity,
    async onMessage(message) {
      messages.push(message);
      changed();
    },
    onStatus(status) {
      statuses.push(status);
      changed();
    },
  };
  return {
    party,
    messages,
    statuses,
    texts: () => messages.map(({ payload }) => new TextDecoder().decode(payload)),
    /** Resolves once so many messages are there. */
    count: (most: number) => until(() => messages.length >= most),
    /** Resolves once the party has been told so, counting from the beginning. */
    status: (wanted: TransportStatus) => until(() => statuses.includes(wanted)),
  };
}
