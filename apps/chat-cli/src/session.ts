import { type Conversations, createConversations, explainClock } from '@sotto/conversations';
import { isSottoError, type KeyPair, type Store, type Transport } from '@sotto/core';
import { createMessenger, type Messenger, type StartFailure } from '@sotto/messenger';
import { explain } from './explain.js';
import { crypto } from './vault.js';

export type Status = 'connecting' | 'connected' | 'offline';

/** What the user should know, besides what stands in conversations. */
export type Notice =
  | { readonly what: 'status'; readonly status: Status }
  | { readonly what: 'warning'; readonly code: string; readonly text: string };

/** An account that is open. */
export interface Session {
  readonly identity: KeyPair;
  readonly messenger: Messenger;
  readonly conversations: Conversations;
  readonly status: Status;
  /** Calls back with notices; the returned function stops it. */
  onNotice(listener: (notice: Notice) => void): () => void;
  /** Connects in the background, again and again until it works. Resolves after the first attempt. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly identity: KeyPair;
  /** The session's to close. */
  readonly store: Store;
  readonly transport: Transport;
  /** An old copy of the store was put back: its ratchets must not be used. */
  readonly restored?: boolean;
  /** Tell our other devices of this one: the account was recovered here. */
  readonly announce?: boolean;
}

/** Opens an account; call `start` when listeners are attached. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { identity, store, transport, restored = false } = options;
  const messenger = await createMessenger({ identity, store, transport, crypto, restored });
  const conversations = await createConversations({ messenger, store });
  const listeners = new Set<(notice: Notice) => void>();
  const tell = (notice: Notice) => {
    for (const listener of listeners) listener(notice);
  };
  const warn = (code: string, text: string) => tell({ what: 'warning', code, text });
  let status: Status = 'connecting';
  let closed = false;
  const become = (now: Status) => {
    if (now === status || closed) return;
    status = now;
    tell({ what: 'status', status });
  };

  const connect = () =>
    new Promise<void>((afterFirstTry) => {
      const onRetry = ({ error }: StartFailure) => {
        become('offline');
        const { code, message } = explain(error);
        if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) warn(code, `Not connected: ${message}`);
        afterFirstTry();
      };
      messenger
        .start({ retry: true, onRetry })
        // It fails only when it is closed.
        .then(
          () => become('connected'),
          () => undefined,
        )
        .finally(afterFirstTry);
    });

  messenger.on('status', (now) => become(now === 'connected' ? 'connected' : 'offline'));
  messenger.on('deviceAdded', ({ own, installationId }) => {
    if (own)
      warn(
        'OWN_DEVICE_SEEN',
        `Another device has this account: ${installationId}. Is it yours? Then pair it.`,
      );
  });
  messenger.on('clockSkew', (skew) => {
    warn('CLOCK_SKEW', explainClock(skew) ?? 'The clock of this device is right again.');
  });
  messenger.on('storageError', ({ error }) => warn(explain(error).code, explain(error).message));
  messenger.on('storeReplaced', ({ how }) =>
    warn(
      'STORE_REPLACED',
      how === 'lost'
        ? 'The data that was here is gone. This is a new device now.'
        : 'An old copy of the data was put back. Every conversation begins a new session.',
    ),
  );

  return {
    identity,
    messenger,
    conversations,
    get status() {
      return status;
    },
    onNotice(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async start() {
      if (options.announce) await messenger.devices.announce();
      await connect();
    },
    async close() {
      closed = true;
      await conversations.close();
      await messenger.close();
    },
  };
}
