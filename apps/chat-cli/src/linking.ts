import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  decodeUtf8,
  encodeHex,
  encodeUtf8,
  isSottoError,
  type KeyPair,
  onAbort,
  type Store,
  type Transport,
} from '@sotto/core';
import { loadArgon2id } from '@sotto/crypto/webassembly';
import {
  cleanUpLinkStore,
  handOverAccount,
  type LinkProgress,
  pairDevice,
  type ReceivedAccount,
  receiveAccount,
} from '@sotto/device-linking';
import type { Messenger } from '@sotto/messenger';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { CliError } from './cli-error.js';
import { crypto } from './data-directory.js';
import type { Prompter } from './prompter.js';

/** What linking needs of the program. */
export interface LinkPlace {
  /** The data directory; what linking keeps is in a folder of it, which is deleted when it is over. */
  readonly data: string;
  /** A further transport to the same network. */
  readonly transport: () => Promise<Transport>;
}

/** Record of an account: how linking goes on at the next start. */
const RECORD = 'app/chat-cli/linking';
type Unfinished =
  /** The account came here, and the other device may not know it. */
  | { readonly role: 'new' }
  /** It is being handed over. The passphrase locks what linking keeps. */
  | { readonly role: 'old'; readonly code: string; readonly passphrase: string };

/** Milliseconds for which a later start tries to tell the other device that it worked. */
const FINISH_MS = 5 * 60_000;

/** An account that has come from another device. */
export interface LinkedAccount {
  readonly identity: KeyPair;
  /**
   * Pairs both devices, once a messenger is open here, and tells the other one that it worked.
   * @param signal gives up for now: a later start goes on, see {@link finishLink}
   */
  finish(messenger: Messenger, signal: AbortSignal): Promise<void>;
}

/**
 * Shows a code, and receives an account into an empty store. After an interruption it goes on, with the same directory.
 * @param passphrase of the account's store; locks what linking keeps as well
 * @throws DEVICE_NOT_LINKED, ABORTED, STORE codes
 */
export async function receiveByLink(
  { data, transport }: LinkPlace,
  accountStore: Store,
  passphrase: string | undefined,
  prompter: Pick<Prompter, 'linkCode' | 'linkRead' | 'isOwnAccount' | 'linkProgress'> | undefined,
  signal?: AbortSignal | undefined,
): Promise<LinkedAccount> {
  const linkStore = await openLinkStore(data, passphrase);
  const giveUp = new AbortController();
  onAbort(signal, () => giveUp.abort());
  let oldDevice = '';
  let received: ReceivedAccount;
  try {
    received = await receiveAccount({
      linkStore,
      accountStore,
      transport: await transport(),
      crypto,
      deviceName: nameOfDevice(),
      signal: giveUp.signal,
      onCode: (code, expiresAt) => prompter?.linkCode(code, expiresAt),
      onRead: ({ name }) => {
        oldDevice = name;
        prompter?.linkRead(name);
      },
      confirm: async ({ identity, deviceName }) =>
        (await prompter?.isOwnAccount(identity, deviceName)) ?? false,
      onProgress: (progress) => prompter?.linkProgress(progress),
    });
    await note(accountStore, { role: 'new' });
  } catch (error) {
    await close(data, linkStore, isSottoError(error, 'DEVICE_NOT_LINKED'));
    throw error;
  }
  return {
    identity: received.identity,
    async finish(messenger, closing) {
      const stopListening = onAbort(closing, () => giveUp.abort());
      const name = oldDevice === '' ? undefined : oldDevice;
      pairDevice(messenger, received.oldInstallationId, { name })
        .then(() => messenger.devices.announce())
        .catch(() => undefined);
      let isOver = false;
      try {
        await received.finish(messenger.installationId);
        await note(accountStore, undefined);
        isOver = true;
      } finally {
        stopListening();
        await close(data, linkStore, isOver);
      }
    },
  };
}

/** Whether an account came to this store whose other device may not know it yet. */
export async function isUnfinishedHere(store: Store): Promise<boolean> {
  return (await unfinished(store))?.role === 'new';
}

/** Tells the other device that it worked, if the program ended before that. */
export async function finishLink(
  place: LinkPlace,
  store: Store,
  passphrase: string | undefined,
  messenger: Messenger,
  closing: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([AbortSignal.timeout(FINISH_MS), closing]);
  const linked = await receiveByLink(place, store, passphrase, undefined, signal);
  await linked.finish(messenger, signal);
}

/** What is said while an account is handed over. */
export type HandOverNews =
  /** The device that shows the code has answered: is it the user's? */
  | { readonly news: 'asks'; readonly name: string }
  | ({ readonly news: 'progress' } & LinkProgress)
  | { readonly news: 'linked'; readonly name: string; readonly device: string }
  | { readonly news: 'failed'; readonly error: unknown };

/** Hands the open account over to other devices of the user, one at a time. */
export class HandOver {
  readonly #place: LinkPlace;
  readonly #account: { readonly store: Store; readonly identity: KeyPair };
  readonly #messenger: Messenger;
  readonly #tell: (news: HandOverNews) => void;
  readonly #closed = new AbortController();
  #running: Promise<void> | undefined;
  #stop = new AbortController();
  #answer: ((accepted: boolean) => void) | undefined;

  constructor(
    place: LinkPlace,
    account: { readonly store: Store; readonly identity: KeyPair },
    messenger: Messenger,
    tell: (news: HandOverNews) => void,
  ) {
    this.#place = place;
    this.#account = account;
    this.#messenger = messenger;
    this.#tell = tell;
  }

  /** Goes on with what an earlier run began, or forgets what is over. */
  async resume(): Promise<void> {
    const left = await unfinished(this.#account.store);
    if (left?.role !== 'old') return;
    const linkStore = await openLinkStore(this.#place.data, left.passphrase);
    const goesOn = await cleanUpLinkStore(linkStore);
    await close(this.#place.data, linkStore, !goesOn);
    if (goesOn) this.#begin(left.code, left.passphrase);
    else await note(this.#account.store, undefined);
  }

  /** Hands over to the device that shows a code. @throws CliError BAD_REQUEST */
  async begin(code: string): Promise<void> {
    if (this.#running !== undefined)
      throw new CliError('BAD_REQUEST', 'A device is being linked already. /link stop ends that.');
    const passphrase = encodeHex(crypto.randomBytes(32));
    await note(this.#account.store, { role: 'old', code, passphrase });
    this.#begin(code, passphrase);
  }

  /** The user's answer to the question. @throws CliError BAD_REQUEST */
  answer(accepted: boolean): void {
    if (this.#answer === undefined) throw new CliError('BAD_REQUEST', 'No device waits for an answer.');
    this.#answer(accepted);
    this.#answer = undefined;
  }

  /** Ends it for good. @throws CliError BAD_REQUEST */
  async stop(): Promise<void> {
    if (this.#running === undefined) throw new CliError('BAD_REQUEST', 'No device is being linked.');
    if (this.#answer !== undefined) this.answer(false);
    else this.#stop.abort();
    await this.#running;
  }

  /** Ends it for now: it goes on at the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#stop.abort();
    await this.#running;
  }

  #begin(code: string, passphrase: string): void {
    this.#stop = new AbortController();
    this.#running = this.#run(code, passphrase)
      .catch((error: unknown) => this.#tell({ news: 'failed', error }))
      .finally(() => {
        this.#running = undefined;
        this.#answer = undefined;
      });
  }

  async #run(code: string, passphrase: string): Promise<void> {
    const { data, transport } = this.#place;
    const linkStore = await openLinkStore(data, passphrase);
    let isOver = true;
    try {
      const linked = await handOverAccount({
        linkStore,
        account: { ...this.#account, installationId: this.#messenger.installationId },
        transport: await transport(),
        crypto,
        code,
        deviceName: nameOfDevice(),
        signal: this.#stop.signal,
        confirm: ({ name }) =>
          new Promise<boolean>((resolve) => {
            this.#answer = resolve;
            this.#tell({ news: 'asks', name });
          }),
        onProgress: (progress) => this.#tell({ news: 'progress', ...progress }),
      });
      pairDevice(this.#messenger, linked.installationId, { name: linked.name })
        .then(() => this.#messenger.devices.announce())
        .catch(() => undefined);
      this.#tell({ news: 'linked', name: linked.name, device: linked.installationId });
    } catch (error) {
      isOver = !this.#closed.signal.aborted;
      if (isOver) throw error;
    } finally {
      if (isOver) await note(this.#account.store, undefined).catch(() => undefined);
      await close(data, linkStore, isOver);
    }
  }
}

async function unfinished(store: Store): Promise<Unfinished | undefined> {
  const record = await store.get(RECORD);
  return record && (JSON.parse(decodeUtf8(record.value)) as Unfinished);
}

async function note(store: Store, left: Unfinished | undefined): Promise<void> {
  await store.commit([
    left === undefined
      ? { type: 'delete', key: RECORD }
      : { type: 'put', key: RECORD, value: encodeUtf8(JSON.stringify(left)) },
  ]);
}

/** One that another passphrase locks was left by an earlier attempt. */
async function openLinkStore(data: string, passphrase: string | undefined): Promise<Store> {
  const path = folderOf(data);
  for (let attempt = 0; ; attempt++) {
    const disk = await createLevelDbStore({ path });
    if (passphrase === undefined) return disk;
    try {
      const { randomBytes } = crypto;
      return await createEncryptedStore({
        store: disk,
        passphrase,
        randomBytes,
        argon2id: await loadArgon2id(),
      });
    } catch (error) {
      await disk.close();
      const isOther = isSottoError(error, 'STORE_WRONG_PASSPHRASE') || isSottoError(error, 'STORE_CORRUPT');
      if (attempt > 0 || !isOther) throw error;
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function close(data: string, linkStore: Store, isOver: boolean): Promise<void> {
  await linkStore.close().catch(() => undefined);
  if (isOver) await rm(folderOf(data), { recursive: true, force: true });
}

function folderOf(data: string): string {
  return join(data, 'link');
}

function nameOfDevice(): string {
  return `Terminal on ${hostname() || 'a computer'}`.slice(0, 100);
}
