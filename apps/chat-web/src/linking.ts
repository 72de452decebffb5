import { decodeUtf8, encodeUtf8, isSottoError, onAbort, type Store } from '@sotto/core';
import {
  type AccountOffer,
  cleanUpLinkStore,
  handOverAccount,
  type LinkProgress,
  type ReceivedAccount,
  receiveAccount,
} from '@sotto/device-linking';
import { createEncryptedStore, type EncryptedStore } from '@sotto/store-adapters/encrypted';
import { createIndexedDbStore, deleteIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { nodeAddress } from './config.js';
import { crypto } from './crypto.js';
import type { Session } from './session.js';
import { connectTo } from './transport.js';

/** What linking keeps, beside the account: how far it is. Emptied and deleted when it is over. */
const DATABASE = 'chat-link';
/** Key of the note that this browser is being linked, and has not told the other device yet that it worked. */
const UNFINISHED = 'sotto-chat:linking';
/** Record of the account, while it hands itself over: the code, and the passphrase of the link's store. */
const HANDING_OVER = 'app/chat-web/handing-over';

/** What the screen of the new device shows and asks. */
export interface LinkScreen {
  onCode(code: string): void;
  onRead(oldDevice: string): void;
  confirm(offer: AccountOffer): Promise<boolean>;
  onProgress(progress: LinkProgress): void;
  readonly signal: AbortSignal;
}

/**
 * Receives an account into an empty store. Call `finish` when it is open; the passphrase locks what linking keeps as well.
 */
export async function receiveByLink(
  accountStore: Store,
  passphrase: string,
  screen: LinkScreen,
): Promise<{ readonly received: ReceivedAccount; finish(session: Session): Promise<void> }> {
  const node = await nodeAddress();
  const linkStore = await openLinkStore(passphrase);
  const { transport, closeMiner } = connectTo(node, crypto);
  // Leaving the screen gives up, but not when the account is there: its page takes the place of the screen.
  const giveUp = new AbortController();
  const stopListening = onAbort(screen.signal, () => giveUp.abort());
  const close = async ({ isOver }: { readonly isOver: boolean }) => {
    await linkStore.close().catch(() => undefined);
    await closeMiner();
    if (!isOver) return;
    localStorage.removeItem(UNFINISHED);
    await deleteIndexedDbStore({ name: DATABASE });
  };
  let oldDevice: string | undefined;
  try {
    const received = await receiveAccount({
      linkStore,
      accountStore,
      transport,
      crypto,
      deviceName: nameOfBrowser(),
      signal: giveUp.signal,
      onCode: (code) => screen.onCode(code),
      onRead: ({ name }) => {
        oldDevice = name;
        screen.onRead(name);
      },
      confirm: (offer) => screen.confirm(offer),
      onProgress: (progress) => screen.onProgress(progress),
    });
    stopListening();
    localStorage.setItem(UNFINISHED, 'yes');
    await forgetHandOver(accountStore);
    const finish = async ({ messenger, ownDevices }: Session) => {
      ownDevices.pairLinked(received.oldInstallationId, oldDevice).catch(() => undefined);
      await received.finish(messenger.installationId);
      await close({ isOver: true });
    };
    return { received, finish };
  } catch (error) {
    stopListening();
    await close({ isOver: isSottoError(error, 'DEVICE_NOT_LINKED') });
    throw error;
  }
}

/** Tells the other device that it worked, when this page was closed before that. */
export async function finishUnfinished(session: Session, passphrase: string): Promise<void> {
  if (localStorage.getItem(UNFINISHED) === null) return;
  const silent = {
    onCode() {},
    onRead() {},
    confirm: async () => false,
    onProgress() {},
    signal: AbortSignal.timeout(60_000),
  };
  const { finish } = await receiveByLink(session.store, passphrase, silent);
  await finish(session);
}

/** Deletes what this device has kept to hand itself over, once the other one has been silent for too long. */
export async function cleanUpHandOver({ store }: Session): Promise<void> {
  const kept = await keptHandOver(store);
  if (kept === undefined) return;
  const linkStore = await openLinkStore(kept.passphrase);
  const goesOn = await cleanUpLinkStore(linkStore).finally(() => linkStore.close());
  if (!goesOn) await cancelHandOver(store);
}

/** Gives up a linking that was interrupted on this device, which has the account. The new device is told nothing. */
export async function cancelHandOver(store: Store): Promise<void> {
  await forgetHandOver(store);
  await deleteIndexedDbStore({ name: DATABASE });
}

/** An account brings along that it was just being handed over: by the device that it comes from, and not by this one. */
export async function forgetHandOver(store: Store): Promise<void> {
  await store.commit([{ type: 'delete', key: HANDING_OVER }]);
}

/** Hands the open account to the device that shows the code; goes on with what a closed page has left. */
export async function linkDevice(
  session: Session,
  code: string,
  screen: Pick<LinkScreen, 'onProgress' | 'signal'> & { confirm(newDevice: string): Promise<boolean> },
): Promise<string> {
  const { store, identity, messenger } = session;
  const passphrase = await passphraseFor(store, code);
  const linkStore = await openLinkStore(passphrase);
  const { transport, closeMiner } = connectTo(await nodeAddress(), crypto);
  let isOver = false;
  try {
    const linked = await handOverAccount({
      linkStore,
      account: { store, identity, installationId: messenger.installationId },
      transport,
      crypto,
      code,
      deviceName: nameOfBrowser(),
      signal: screen.signal,
      confirm: ({ name }) => screen.confirm(name),
      onProgress: (progress) => screen.onProgress(progress),
    });
    isOver = true;
    void session.ownDevices
      .pairLinked(linked.installationId, linked.name)
      .then(() => messenger.devices.announce())
      .catch(() => undefined);
    return linked.name;
  } catch (error) {
    isOver = isSottoError(error, 'DEVICE_NOT_LINKED') || isSottoError(error, 'INVALID_TEXT');
    throw error;
  } finally {
    await linkStore.close().catch(() => undefined);
    await closeMiner();
    if (isOver) await cancelHandOver(store);
  }
}

/** The code of a device to which the account was not handed over completely, if there is one. */
export async function unfinishedCode({ store }: Session): Promise<string | undefined> {
  const record = await store.get(HANDING_OVER);
  return record && (JSON.parse(decodeUtf8(record.value)) as { code: string }).code;
}

/** The link's store is locked by a passphrase of its own, which the account's store keeps. */
async function passphraseFor(store: Store, code: string): Promise<string> {
  const kept = await keptHandOver(store);
  if (kept?.code === code) return kept.passphrase;
  const passphrase = Array.from(crypto.randomBytes(32), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  const value = encodeUtf8(JSON.stringify({ code, passphrase }));
  await store.commit([{ type: 'put', key: HANDING_OVER, value }]);
  return passphrase;
}

async function keptHandOver(
  store: Store,
): Promise<{ readonly code: string; readonly passphrase: string } | undefined> {
  const record = await store.get(HANDING_OVER);
  return record && JSON.parse(decodeUtf8(record.value));
}

/** One that another passphrase locks was left by an earlier attempt. */
async function openLinkStore(passphrase: string): Promise<EncryptedStore> {
  for (let attempt = 0; ; attempt++) {
    const disk = await createIndexedDbStore({ name: DATABASE });
    try {
      return await createEncryptedStore({ store: disk, passphrase, randomBytes: crypto.randomBytes });
    } catch (error) {
      await disk.close();
      if (attempt > 0 || !isSottoError(error, 'STORE_WRONG_PASSPHRASE')) throw error;
      await deleteIndexedDbStore({ name: DATABASE });
    }
  }
}

/** What a browser is called among the devices of its user: `Chrome on Linux`, as far as it says. */
export function nameOfBrowser(): string {
  const { userAgent } = navigator;
  const first = (names: Readonly<Record<string, RegExp>>, otherwise: string) =>
    Object.entries(names).find(([, pattern]) => pattern.test(userAgent))?.[0] ?? otherwise;
  const browser = first(
    { Firefox: /Firefox\//, Edge: /Edg\//, Chrome: /Chrome\//, Safari: /Safari\// },
    'A browser',
  );
  const system = first(
    { Android: /Android/, iPhone: /iPhone|iPad/, Windows: /Windows/, Mac: /Mac OS/, Linux: /Linux/ },
    'this machine',
  );
  return `${browser} on ${system}`;
}
