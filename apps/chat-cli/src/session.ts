import { type Conversations, createConversations, explainClock } from '@sotto/conversations';
import { createProfiles, type Profiles } from '@sotto/conversations/profile';
import { type BlobStore, isSottoError, type KeyPair, type Store, type Transport } from '@sotto/core';
import { createDeviceSync } from '@sotto/device-sync';
import { createMessenger, type Messenger, type StartFailure } from '@sotto/messenger';
import type { StatusClient } from '@sotto/status-messages/client';
import { crypto } from './data-directory.js';
import { explain } from './explain.js';
import { type Finding, NO_FINDING } from './finding.js';
import { finishLink, HandOver, type HandOverNews, type LinkedAccount, type LinkPlace } from './linking.js';
import type { ProfileOption } from './options.js';

export type Status = 'connecting' | 'connected' | 'offline';

/** What the user should know besides the content of conversations. */
export type Notice =
  | { readonly what: 'status'; readonly status: Status }
  | { readonly what: 'warning'; readonly code: string; readonly text: string }
  | { readonly what: 'linking'; readonly news: HandOverNews };

/** An account that is open. */
export interface Session {
  readonly identity: KeyPair;
  readonly messenger: Messenger;
  readonly conversations: Conversations;
  /** What the user shows of themselves, and others do. */
  readonly profiles: Profiles;
  /** Talks to Status clients, with the option for it. */
  readonly statusClient: StatusClient | undefined;
  /** Whom to ask for names and bundles. */
  readonly finding: Finding;
  /** Where files are stored; `undefined`: nowhere. */
  readonly blobs: BlobStore | undefined;
  /** Hands this account to other devices; `undefined` where nothing is kept. */
  readonly handOver: HandOver | undefined;
  readonly status: Status;
  /** Subscribes to notices; the returned function unsubscribes. */
  onNotice(listener: (notice: Notice) => void): () => void;
  /** Connects in the background and retries until it succeeds. Resolves after the first attempt. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly identity: KeyPair;
  /** Closed by the session. */
  readonly store: Store;
  readonly transport: Transport;
  /** Whom to ask for names and bundles. Default: nobody. */
  readonly finding?: Finding | undefined;
  /** Where files are stored. Default: nowhere. */
  readonly blobs?: BlobStore | undefined;
  /** How Status clients are talked to. Default: plain texts only. */
  readonly profile?: ProfileOption | undefined;
  /** An older copy of the store was put back: its ratchets must not be used. */
  readonly restored?: boolean | undefined;
  /** Announce this device to the other devices of the account: it was recovered here. */
  readonly announce?: boolean | undefined;
  /** For linking devices. Default: none are linked. */
  readonly linkPlace?: LinkPlace | undefined;
  /** The account has just come from another device. */
  readonly linked?: LinkedAccount | undefined;
  /** It came from another device in an earlier run, which may not know it yet. */
  readonly unfinished?: boolean | undefined;
  /** What locks the store. */
  readonly passphrase?: string | undefined;
}

/** Loaded only when it is used. */
async function openStatus(
  { identity, store }: SessionOptions,
  messenger: Messenger,
  { generation, displayName }: ProfileOption,
): Promise<StatusClient> {
  const { createStatusClient } = await import('@sotto/status-messages/client');
  const { PROFILE_2020, PROFILE_2024 } = await import('@sotto/status-messages');
  const profile = generation === '2020' ? PROFILE_2020 : PROFILE_2024;
  return createStatusClient({ messenger, store, crypto, identity, profile, displayName });
}

/** Opens an account. Attach listeners, then call `start`. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { identity, store, transport, finding = NO_FINDING, restored = false } = options;
  const messenger = await createMessenger({ identity, store, transport, crypto, restored, ...finding });
  const layer = options.profile && (await openStatus(options, messenger, options.profile));
  const conversations = await createConversations({ messenger, store, status: layer });
  const profiles = await createProfiles({ conversations, messenger, store, status: layer });
  const deviceSync = await createDeviceSync({ messenger, conversations, store });
  const listeners = new Set<(notice: Notice) => void>();
  const notify = (notice: Notice) => {
    for (const listener of listeners) listener(notice);
  };
  const warn = (code: string, text: string) => notify({ what: 'warning', code, text });
  const { linkPlace, linked, unfinished, passphrase } = options;
  const handOver =
    linkPlace &&
    new HandOver(linkPlace, { store, identity }, messenger, (news) => notify({ what: 'linking', news }));
  const closing = new AbortController();
  let finishing: Promise<unknown> | undefined;
  let status: Status = 'connecting';
  let closed = false;
  const setStatus = (now: Status) => {
    if (now === status || closed) return;
    status = now;
    notify({ what: 'status', status });
  };

  const connect = () =>
    new Promise<void>((afterFirstAttempt) => {
      const onRetry = ({ error }: StartFailure) => {
        setStatus('offline');
        const { code, message } = explain(error);
        if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) warn(code, `Not connected: ${message}`);
        afterFirstAttempt();
      };
      messenger
        .start({ retry: true, onRetry })
        // With `retry`, it rejects only when it is closed.
        .then(
          () => setStatus('connected'),
          () => undefined,
        )
        .finally(afterFirstAttempt);
    });

  messenger.on('status', (now) => setStatus(now === 'connected' ? 'connected' : 'offline'));
  messenger.on('deviceAdded', ({ own, installationId }) => {
    if (own)
      warn('OWN_DEVICE_SEEN', `Another device has this account: ${installationId}. If it is yours, pair it.`);
  });
  messenger.on('nameChanged', ({ name, changedTo }) => {
    if (changedTo !== undefined)
      warn('NAME_CHANGED', `${name} points to another key than before. Nothing is sent there: /names`);
  });
  messenger.on('bundlePublishFailed', ({ directory, error, attempts }) => {
    if (attempts === 1)
      warn(error.code, `Not published in ${directory.toUpperCase()}: ${explain(error).message}`);
  });
  messenger.on('clockSkew', (skew) => {
    warn('CLOCK_SKEW', explainClock(skew) ?? 'The clock of this device is correct again.');
  });
  messenger.on('storageError', ({ error }) => warn(explain(error).code, explain(error).message));
  messenger.on('storeReplaced', ({ how }) =>
    warn(
      'STORE_REPLACED',
      how === 'lost'
        ? 'The data of this device is gone. It is a new device now.'
        : 'An older copy of the data was put back. Every conversation starts a new session.',
    ),
  );

  return {
    identity,
    messenger,
    conversations,
    profiles,
    statusClient: layer,
    finding,
    blobs: options.blobs,
    handOver,
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
      // The other device goes on without this as well, once this one has written.
      finishing = linked?.finish(messenger, closing.signal).catch(() => undefined);
      if (unfinished && linkPlace !== undefined)
        finishing = finishLink(linkPlace, store, passphrase, messenger, closing.signal).catch(
          () => undefined,
        );
      handOver
        ?.resume()
        .catch((error: unknown) => notify({ what: 'linking', news: { news: 'failed', error } }));
    },
    async close() {
      closed = true;
      closing.abort();
      await finishing;
      await handOver?.close();
      await profiles.close();
      await deviceSync.close();
      await conversations.close();
      await layer?.close();
      await messenger.close();
    },
  };
}
