import { signal } from '@preact/signals';
import { isSottoError, type KeyPair } from '@sotto/core';
import { readAccount, writeAccount } from '@sotto/messenger';
import { restoreBackup } from '@sotto/messenger/backup';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import {
  createIndexedDbStore,
  deleteIndexedDbStore,
  type IndexedDbStore,
  type WhenLocked,
} from '@sotto/store-adapters/indexeddb';
import { checkBackupFile } from './backup-file.js';
import { nodeAddress } from './config.js';
import { crypto } from './crypto.js';
import { deleteKeptParts } from './kept-parts.js';
import {
  cleanUpHandOver,
  finishUnfinished,
  forgetHandOver,
  type LinkScreen,
  receiveByLink,
} from './linking.js';
import { isCard } from './route.js';
import { openSession, RECOVERED, type Session, type SessionOptions } from './session.js';

const DATABASE = 'chat';

/** What the page is doing: one of these at a time. */
export type Phase =
  | { readonly name: 'opening' }
  /** Another tab has the store. */
  | { readonly name: 'elsewhere' }
  /** `lost`: there was an account here, and the browser has deleted it. */
  | { readonly name: 'welcome'; readonly disk: IndexedDbStore; readonly lost: boolean }
  | { readonly name: 'locked'; readonly disk: IndexedDbStore }
  | { readonly name: 'open'; readonly session: Session; readonly disk: IndexedDbStore }
  | { readonly name: 'broken'; readonly error: unknown };

export const phase = signal<Phase>({ name: 'opening' });

/** Tabs of this browser tell each other of cards that were opened by a link. */
const CHANNEL = 'sotto-chat:cards';
/** How long the tab with the conversations has to answer, in milliseconds; one in the background may be slow. */
const ANSWER_MS = 1_500;

/** Whether another tab, which has the conversations, shows the card that this one was opened with. */
export const cardShownElsewhere = signal(false);

/** Gives a card that this page was opened with to the tab that has the conversations. */
function handCardOver(): void {
  if (!isCard(location.hash)) return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (data === 'shown') cardShownElsewhere.value = true;
  };
  channel.postMessage({ card: location.hash });
  setTimeout(() => channel.close(), ANSWER_MS);
}

/** Shows cards that other tabs were opened with, while an account is open here. */
export function showCardsOfOtherTabs(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<{ readonly card?: unknown }>) => {
    const card = data?.card;
    if (phase.value.name !== 'open' || typeof card !== 'string' || !isCard(card)) return;
    location.hash = card;
    channel.postMessage('shown');
  };
}

/** Opens the browser's store, and asks for what comes next: a new account, or the passphrase. */
export async function openStore(whenLocked: WhenLocked = 'fail'): Promise<void> {
  try {
    const disk = await createIndexedDbStore({ name: DATABASE, whenLocked });
    void disk.handedOver.then(leaveToOtherTab);
    phase.value = (await isEmpty(disk))
      ? { name: 'welcome', disk, lost: disk.continuity === 'lost' }
      : { name: 'locked', disk };
  } catch (error) {
    phase.value = isSottoError(error, 'STORE_LOCKED') ? { name: 'elsewhere' } : { name: 'broken', error };
    if (phase.value.name === 'elsewhere') handCardOver();
  }
}

/** Another tab took the store over: what is open here ends. */
async function leaveToOtherTab(): Promise<void> {
  const { value } = phase;
  phase.value = { name: 'elsewhere' };
  if (value.name === 'open') await value.session.close().catch(() => undefined);
}

/**
 * Puts an account into the empty store, encrypted.
 * @param recovered it was in use before, maybe on other devices
 */
export async function createAccount(
  identity: KeyPair,
  passphrase: string,
  recovered: boolean,
): Promise<void> {
  const disk = diskOf('welcome');
  // What may fail comes before the store is made.
  const node = await nodeAddress();
  const store = await encrypted(disk, passphrase);
  await writeAccount(store, identity, crypto);
  if (recovered) localStorage.setItem(RECOVERED, 'yes');
  else localStorage.removeItem(RECOVERED);
  await enter(disk, { store, passphrase, identity, node, announce: recovered });
}

/** Puts a backup into the empty store, encrypted with the same passphrase as the backup. */
export async function restoreAccount(
  backup: Blob,
  passphrase: string,
  onProgress: (records: number) => void,
): Promise<void> {
  const disk = diskOf('welcome');
  await checkBackupFile(backup);
  const node = await nodeAddress();
  const store = await encrypted(disk, passphrase);
  try {
    const { identity } = await restoreBackup(chunksOf(backup), {
      store,
      passphrase,
      crypto,
      onProgress: ({ done }) => onProgress(done),
    });
    await writeAccount(store, identity, crypto);
    await forgetHandOver(store);
    localStorage.removeItem(RECOVERED);
    await enter(disk, { store, passphrase, identity, node, announce: true });
  } catch (error) {
    // The store holds nothing but a keyring: start over with an empty one.
    await store.close();
    await deleteIndexedDbStore({ name: DATABASE });
    await openStore();
    throw error;
  }
}

/** Receives an account from another device into the empty store. @throws DEVICE_NOT_LINKED, ABORTED */
export async function linkAccount(passphrase: string, screen: LinkScreen): Promise<void> {
  const disk = diskOf('welcome');
  const node = await nodeAddress();
  const store = await encrypted(disk, passphrase);
  try {
    const { received, finish } = await receiveByLink(store, passphrase, screen);
    const { identity } = received;
    localStorage.removeItem(RECOVERED);
    const session = await enter(disk, { store, passphrase, identity, node, announce: true });
    await finish(session);
  } catch (error) {
    if (phase.value.name === 'open') return;
    // The store holds nothing but a keyring: start over with an empty one.
    await store.close();
    await deleteIndexedDbStore({ name: DATABASE });
    await openStore();
    throw error;
  }
}

/** @throws STORE_WRONG_PASSPHRASE; the store stays locked */
export async function unlock(passphrase: string): Promise<void> {
  const disk = diskOf('locked');
  const node = await nodeAddress();
  const store = await encrypted(disk, passphrase);
  const identity = await readAccount(store, crypto);
  if (identity !== undefined) {
    const session = await enter(disk, { store, passphrase, identity, node, announce: false });
    void finishUnfinished(session, passphrase)
      .then(() => cleanUpHandOver(session))
      .catch(() => undefined);
    return;
  }
  // The page was closed between making the store and putting the account in.
  await store.close();
  await deleteIndexedDbStore({ name: DATABASE });
  await openStore();
}

/** Closes the account; the passphrase is asked for again. */
export async function lock(): Promise<void> {
  const { value } = phase;
  if (value.name !== 'open') return;
  phase.value = { name: 'opening' };
  await value.session.close();
  await openStore();
}

/** Deletes the account, its messages and keys from this browser. */
export async function removeAccount(): Promise<void> {
  const { value } = phase;
  phase.value = { name: 'opening' };
  if (value.name === 'open') await value.session.close();
  if (value.name === 'locked') await value.disk.close();
  await deleteIndexedDbStore({ name: DATABASE });
  await deleteKeptParts();
  localStorage.removeItem(RECOVERED);
  await openStore();
}

async function enter(disk: IndexedDbStore, options: Omit<SessionOptions, 'restored'>): Promise<Session> {
  const session = await openSession({ ...options, restored: disk.continuity === 'rolled-back' });
  phase.value = { name: 'open', session, disk };
  return session;
}

function diskOf(name: 'welcome' | 'locked'): IndexedDbStore {
  if (phase.value.name !== name) throw new Error(`Not ${name}.`);
  return phase.value.disk;
}

function encrypted(disk: IndexedDbStore, passphrase: string) {
  return createEncryptedStore({ store: disk, passphrase, randomBytes: crypto.randomBytes });
}

async function isEmpty(disk: IndexedDbStore): Promise<boolean> {
  for await (const _ of disk.list('', { limit: 1 })) return false;
  return true;
}

async function* chunksOf(blob: Blob): AsyncGenerator<Uint8Array, void> {
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
