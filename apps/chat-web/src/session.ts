import { type Signal, signal } from '@preact/signals';
import {
  type Conversations,
  createConversations,
  explainClock,
  type Message,
  parseConversationKey,
} from '@sotto/conversations';
import { createProfiles, type OwnProfile, type Profiles } from '@sotto/conversations/profile';
import { isSottoError, type KeyPair } from '@sotto/core';
import { createDeviceSync } from '@sotto/device-sync';
import { createMessenger, type Messenger, type StartFailure } from '@sotto/messenger';
import type { StatusClient } from '@sotto/status-messages/client';
import type { EncryptedStore } from '@sotto/store-adapters/encrypted';
import { crypto } from './crypto.js';
import { type FileStore, fileStoreAt } from './files.js';
import { type Finding, findingSettings, openFinding } from './finding.js';
import { isSame } from './format.js';
import { notifyOfMessages } from './notifications.js';
import { type OutgoingFiles, openOutgoingFiles } from './outgoing-files.js';
import { type OwnDevices, openOwnDevices } from './own-devices.js';
import { rememberPassphrase } from './passphrase.js';
import { openStatusClient, statusSetting } from './status-users.js';
import { connectTo } from './transport.js';

/** Kept until the user has read what it means that the account was recovered here from its words. */
export const RECOVERED = 'sotto-chat:recovered';

/** A reply to a message, or another text for it. */
export interface Writing {
  /** Of the conversation. */
  readonly key: string;
  readonly what: 'reply' | 'edit';
  readonly message: Message;
}

/** An account that is open: everything the pages work with. */
export interface Session {
  readonly identity: KeyPair;
  readonly store: EncryptedStore;
  readonly messenger: Messenger;
  readonly conversations: Conversations;
  /** Whether we write as Status clients do: with reactions, and deletion for all. */
  readonly withStatus: boolean;
  /** Whether pictures can travel inside messages, as Status clients of 2024 have it. */
  readonly withPictures: boolean;
  /** The layer that talks to Status clients, where the user wants it: invitations to their groups. */
  readonly statusClient: StatusClient | undefined;
  /** What people show of themselves. */
  readonly profiles: Profiles;
  /** What the user shows. */
  readonly ownProfile: Signal<OwnProfile>;
  /** Where files are kept: at the node. */
  readonly files: FileStore;
  /** Files that were sent, and aren't messages yet. */
  readonly outgoing: OutgoingFiles;
  /** Files that were chosen and not sent yet, by conversation. */
  readonly chosen: Map<string, readonly File[]>;
  /** Where people are found by name and key, as the settings say. */
  readonly finding: Finding;
  readonly status: Signal<'connecting' | 'online' | 'offline'>;
  /** Increases whenever something changed: components that read it are rendered again. */
  readonly revision: Signal<number>;
  /** What is being typed and not stored as a draft yet, by conversation. */
  readonly typed: Map<string, string>;
  /** What the message that is being written does to another one, if anything. */
  readonly writing: Signal<Writing | undefined>;
  /** Whether the account was recovered from its words here, and the user hasn't read yet what that means. */
  readonly recovered: Signal<boolean>;
  /** The user has read it. */
  dismissRecovered(): void;
  /** Our other devices. */
  readonly ownDevices: OwnDevices;
  /** What the user should know once. */
  readonly notices: Signal<readonly string[]>;
  /**
   * Replaces the passphrase of the store. Throws a `TypeError` with words for people when the old one is wrong.
   * @throws STORE codes
   */
  changePassphrase(old: string, next: string): Promise<void>;
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Encrypted, with the account in it; the session's to close. */
  readonly store: EncryptedStore;
  /** The one that opened it. */
  readonly passphrase: string;
  readonly identity: KeyPair;
  readonly node: string;
  /** An old copy of the store was put back: its ratchets must not be used. */
  readonly restored: boolean;
  /** Whether to announce this device to our other devices: the account was recovered here. */
  readonly announce: boolean;
}

/** Opens an account and connects in the background; it is open even without a network. */
export async function openSession({
  store,
  passphrase,
  identity,
  node,
  restored,
  announce,
}: SessionOptions): Promise<Session> {
  const { transport, closeMiner } = connectTo(node, crypto);
  const finding = await openFinding(findingSettings(), crypto);
  const messenger = await createMessenger({ identity, store, transport, crypto, restored, ...finding });
  const layer = await openStatusClient(messenger, store, identity);
  const conversations = await createConversations({ messenger, store, status: layer });
  const profiles = await createProfiles({ conversations, messenger, store, status: layer });
  const ownProfile: Session['ownProfile'] = signal(await profiles.own());
  // Before the messenger starts: what other devices say then is not to be missed.
  const deviceSync = await createDeviceSync({ messenger, conversations, store });
  const status: Session['status'] = signal('connecting');
  const revision = signal(0);
  const recovered = signal(localStorage.getItem(RECOVERED) !== null);
  let isPassphrase = rememberPassphrase(crypto, passphrase);
  const ownDevices = await openOwnDevices(messenger, store);
  const notices: Session['notices'] = signal([]);
  const notify = (text: string) => {
    if (!notices.value.includes(text)) notices.value = [...notices.value, text];
  };

  const draw = gathered(() => revision.value++);
  conversations.subscribe(draw);
  profiles.subscribe((whose) => {
    draw();
    if (isSame(whose, identity.publicKey))
      void profiles.own().then((own) => {
        ownProfile.value = own;
      });
  });
  messenger.on('status', (now) => {
    status.value = now === 'connected' ? 'online' : 'offline';
  });
  messenger.on('deviceAdded', ({ own }) => (own ? ownDevices.refresh() : undefined));
  messenger.on('bundlePublished', () => void revision.value++);
  messenger.on('bundlePublishFailed', () => void revision.value++);
  messenger.on('nameChanged', ({ name }) => {
    revision.value++;
    notify(`${name} points to another key than before. Look at the details of that person.`);
  });
  messenger.on('storageError', () => notify('This browser could not store something. It will try again.'));
  messenger.on('storeReplaced', () =>
    notify('An older copy of your data was put back. Every conversation starts a new session.'),
  );
  let aboutClock: string | undefined;
  messenger.on('clockSkew', (skew) => {
    // The new sentence takes the place of the one before.
    notices.value = notices.value.filter((text) => text !== aboutClock);
    aboutClock = explainClock(skew);
    if (aboutClock !== undefined) notify(aboutClock);
  });
  if (announce) await messenger.devices.announce();
  const onRetry = ({ error }: StartFailure) => {
    status.value = 'offline';
    if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) notify(`Not connected: ${(error as Error).message}`);
  };
  messenger.start({ retry: true, onRetry }).then(
    () => {
      status.value = 'online';
    },
    // Closed meanwhile.
    () => undefined,
  );
  // Ends the wait of a start for its next attempt.
  const tryNow = () => void messenger.start().catch(() => undefined);
  addEventListener('online', tryNow);

  const typed = new Map<string, string>();
  const files = fileStoreAt(node);
  const outgoing = await openOutgoingFiles({ store, conversations, files });
  const stopNotifying = notifyOfMessages({ conversations, profiles });

  return {
    identity,
    store,
    messenger,
    conversations,
    profiles,
    ownProfile,
    files,
    outgoing,
    chosen: new Map(),
    withStatus: layer !== undefined,
    withPictures: layer !== undefined && statusSetting() === '2024',
    statusClient: layer,
    finding,
    status,
    revision,
    typed,
    writing: signal(undefined),
    recovered,
    dismissRecovered() {
      localStorage.removeItem(RECOVERED);
      recovered.value = false;
    },
    ownDevices,
    notices,
    async changePassphrase(old, next) {
      if (!isPassphrase(old)) throw new TypeError('The old passphrase is wrong.');
      await store.changePassphrase(next);
      isPassphrase = rememberPassphrase(crypto, next);
    },
    async close() {
      removeEventListener('online', tryNow);
      stopNotifying();
      // What was typed just now; the pages that would store it are going away.
      for (const [key, text] of typed)
        await conversations.setDraft(parseConversationKey(key), text).catch(() => undefined);
      typed.clear();
      await outgoing.close();
      await deviceSync.close();
      await profiles.close();
      await conversations.close();
      await messenger.close();
      await closeMiner();
    },
  };
}

/**
 * Pages are drawn again so many milliseconds after something changed, and once however much changed meanwhile. Most messages of the open
 * conversation were read by then.
 */
const DRAW_AFTER_MS = 80;

function gathered(run: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      run();
    }, DRAW_AFTER_MS);
  };
}
