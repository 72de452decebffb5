import { type Signal, signal } from '@preact/signals';
import { type Conversations, createConversations, explainClock } from '@sotto/conversations';
import { isSottoError, type KeyPair, type Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type DeviceInfo, type Messenger } from '@sotto/messenger';
import type { EncryptedStore } from '@sotto/store-adapters/encrypted';
import { connectTo } from './transport.js';

/** In browsers: JavaScript from @noble. */
export const crypto = defaultProvider();

/** Where the account's private key stands in the encrypted store. */
const ACCOUNT = 'app/account';

/** An account that is open: everything the pages work with. */
export interface Session {
  readonly identity: KeyPair;
  readonly store: EncryptedStore;
  readonly messenger: Messenger;
  readonly conversations: Conversations;
  readonly status: Signal<'connecting' | 'online' | 'offline'>;
  /** Grows whenever something has to be drawn anew: who reads it is drawn again. */
  readonly revision: Signal<number>;
  /** Our other devices. */
  readonly ownDevices: Signal<readonly DeviceInfo[]>;
  /** What the user should know once. */
  readonly notices: Signal<readonly string[]>;
  /** Reads again what is known of our other devices. */
  refreshDevices(): Promise<void>;
  close(): Promise<void>;
}

/** The account in an encrypted store; `undefined` when there is none yet. */
export async function readAccount(store: Store): Promise<KeyPair | undefined> {
  const record = await store.get(ACCOUNT);
  return record && crypto.secp256k1.keyPairFromPrivateKey(record.value);
}

export async function writeAccount(store: Store, { privateKey }: KeyPair): Promise<void> {
  await store.commit([{ type: 'put', key: ACCOUNT, value: privateKey }]);
}

export interface SessionOptions {
  /** Encrypted, with the account in it; the session's to close. */
  readonly store: EncryptedStore;
  readonly identity: KeyPair;
  readonly node: string;
  /** An old copy of the store was put back: its ratchets must not be used. */
  readonly restored: boolean;
  /** Tell our other devices of this one: the account was recovered here. */
  readonly announce: boolean;
}

/** Opens an account and connects in the background; without a network it is open all the same. */
export async function openSession({
  store,
  identity,
  node,
  restored,
  announce,
}: SessionOptions): Promise<Session> {
  const { transport, closeMiner } = connectTo(node, crypto);
  const messenger = await createMessenger({ identity, store, transport, crypto, restored });
  const conversations = await createConversations({ messenger, store });
  const status: Session['status'] = signal('connecting');
  const revision = signal(0);
  const ownDevices: Session['ownDevices'] = signal([]);
  const notices: Session['notices'] = signal([]);
  const notify = (text: string) => {
    if (!notices.value.includes(text)) notices.value = [...notices.value, text];
  };
  const refreshDevices = async () => {
    ownDevices.value = (await messenger.devices()).filter(
      ({ installationId }) => installationId !== messenger.installationId,
    );
  };

  conversations.subscribe(() => revision.value++);
  messenger.on('status', (now) => {
    status.value = now === 'connected' ? 'online' : 'offline';
  });
  messenger.on('deviceSeen', ({ own }) => (own ? refreshDevices() : undefined));
  messenger.on('storageError', () => notify('This browser could not store something. It is tried again.'));
  messenger.on('storeReplaced', () =>
    notify('An old copy of your data was put back. Every conversation begins a new session.'),
  );
  let aboutClock: string | undefined;
  messenger.on('clockSkew', (skew) => {
    // The new sentence takes the place of the one before.
    notices.value = notices.value.filter((text) => text !== aboutClock);
    aboutClock = explainClock(skew);
    if (aboutClock !== undefined) notify(aboutClock);
  });
  await refreshDevices();
  if (announce) await messenger.announceDevice();
  const stopConnecting = keepConnecting(messenger, status, notify);

  return {
    identity,
    store,
    messenger,
    conversations,
    status,
    revision,
    ownDevices,
    notices,
    refreshDevices,
    async close() {
      stopConnecting();
      await conversations.close();
      await messenger.close();
      await closeMiner();
    },
  };
}

/** Tries to start until it works; from then on the transport mends itself. */
function keepConnecting(
  messenger: Messenger,
  status: Session['status'],
  notify: (text: string) => void,
): () => void {
  let wait = 1_000;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const attempt = async () => {
    clearTimeout(timer);
    try {
      await messenger.start();
      status.value = 'online';
      removeEventListener('online', attempt);
    } catch (error) {
      if (stopped) return;
      status.value = 'offline';
      if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) notify(`Not connected: ${(error as Error).message}`);
      timer = setTimeout(attempt, wait);
      wait = Math.min(2 * wait, 30_000);
    }
  };
  addEventListener('online', attempt);
  void attempt();
  return () => {
    stopped = true;
    clearTimeout(timer);
    removeEventListener('online', attempt);
  };
}
