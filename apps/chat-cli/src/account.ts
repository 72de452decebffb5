import { readFile, writeFile } from 'node:fs/promises';
import { compareBytes, isSottoError, type KeyPair, type Store } from '@sotto/core';
import { accountFromMnemonic, createMnemonic, type Mnemonic, parseMnemonic } from '@sotto/identity';
import { readAccount, writeAccount } from '@sotto/messenger';
import type { EncryptedStore } from '@sotto/store-adapters/encrypted';
import { loadBackup } from './backup.js';
import { CliError } from './cli-error.js';
import { crypto, type DataDirectory, openDataDirectory } from './data-directory.js';
import { isUnfinishedHere, type LinkedAccount, type LinkPlace, receiveByLink } from './linking.js';
import type { Options } from './options.js';
import type { Prompter } from './prompter.js';

/** What {@link openSession} needs of an account. */
interface OpenAccount {
  readonly store: Store;
  readonly identity: KeyPair;
  readonly restored: boolean;
  readonly announce: boolean;
  /** It came from another device just now: that one has to be told. */
  readonly linked: LinkedAccount | undefined;
  /** It came from another device in an earlier run, and that one may not know it. */
  readonly unfinished: boolean;
  readonly passphrase: string | undefined;
}

/**
Opens the account of a data directory, or creates one there.
@param linkPlace for the option that receives the account from another device
@throws CliError; STORE codes; INVALID_MNEMONIC for a file of recovery words
 */
export async function openAccount(
  options: Options,
  prompter: Prompter | undefined,
  linkPlace?: LinkPlace,
): Promise<OpenAccount> {
  const configured = await configuredPassphrase(options);
  const directory = await openDataDirectory(options.data);
  let store: Store | undefined;
  try {
    // First what it is to be: the words of an old account, for instance, have to be found before all else.
    const asked =
      directory.content === 'new' && !hasAccountSource(options) && options.backupTo === undefined
        ? await prompter?.newOrRecover()
        : undefined;
    const opened = await openStore(directory, configured, options, prompter);
    const { passphrase } = opened;
    store = opened.store;
    const existing = await readAccount(store, crypto);
    const unfinished = existing !== undefined && (await isUnfinishedHere(store));
    const linked =
      existing === undefined && options.link && linkPlace !== undefined
        ? await receiveByLink(linkPlace, store, passphrase, prompter)
        : undefined;
    const { identity, recovered } = existing
      ? { identity: existing, recovered: false }
      : linked !== undefined
        ? { identity: linked.identity, recovered: true }
        : await createAccount(store, options, asked, prompter);
    if (existing === undefined) await writeAccount(store, identity, crypto);
    else await checkWords(options, existing);
    const restored = directory.replaced === 'rolled-back';
    return { store, identity, restored, announce: recovered, linked, unfinished, passphrase };
  } catch (error) {
    await (store ?? directory).close();
    throw error;
  }
}

/**
Asks for a new passphrase and encrypts the store's keys with it. Takes the same time for any size of store.
 * @throws CliError NO_ACCOUNT, NOT_ENCRYPTED; STORE codes
 */
export async function changePassphrase(options: Options, prompter: Prompter): Promise<void> {
  const directory = await openDataDirectory(options.data);
  try {
    if (directory.content === 'new') throw noAccount();
    if (directory.content === 'plain') {
      throw new CliError(
        'NOT_ENCRYPTED',
        'This data directory is not encrypted. To encrypt it, save a backup and restore it into a new one.',
      );
    }
    const passphrase = await configuredPassphrase(options);
    const store =
      passphrase === undefined
        ? (await askUntilRight(directory, prompter)).store
        : await directory.unlock(passphrase);
    const next = await prompter.newPassphrase();
    if (next === undefined) throw new CliError('PASSPHRASE_NEEDED', 'The passphrase was not changed.');
    await store.changePassphrase(next);
  } finally {
    await directory.close();
  }
}

/** Never a flag: every user of the machine can read the arguments of a process. */
async function configuredPassphrase({ passphraseFile }: Options): Promise<string | undefined> {
  if (passphraseFile === undefined) return process.env['SOTTO_CHAT_PASSPHRASE'] || undefined;
  return (await readText(passphraseFile)).replace(/\r?\n$/, '');
}

interface OpenStore {
  readonly store: Store;
  /** What locks it; `undefined`: nothing does. */
  readonly passphrase: string | undefined;
}

async function openStore(
  directory: DataDirectory,
  passphrase: string | undefined,
  options: Options,
  prompter: Prompter | undefined,
): Promise<OpenStore> {
  switch (directory.content) {
    case 'new':
      if (prompter === undefined && !hasAccountSource(options)) throw noAccount();
      if (options.backupTo !== undefined) throw noAccount();
      return unlockIfAsked(directory, passphrase ?? (await prompter?.newPassphrase()));
    case 'plain':
      if (passphrase === undefined) return { store: directory.plain, passphrase };
      throw new CliError(
        'NOT_ENCRYPTED',
        'A passphrase was given, but this data directory is not encrypted.',
      );
    case 'locked':
      if (passphrase !== undefined) return { store: await directory.unlock(passphrase), passphrase };
      if (prompter !== undefined) return askUntilRight(directory, prompter);
      throw new CliError(
        'PASSPHRASE_NEEDED',
        'This data directory is encrypted. Use --passphrase-file FILE or set SOTTO_CHAT_PASSPHRASE.',
      );
  }
}

/** Whether the command line says how to create the account. */
function hasAccountSource({ wordsTo, wordsFrom, backupFrom, link }: Options): boolean {
  return link || [wordsTo, wordsFrom, backupFrom].some((file) => file !== undefined);
}

function noAccount(): CliError {
  return new CliError(
    'NO_ACCOUNT',
    'This data directory has no account. Use --words-to FILE to create one, or --words-from FILE or --backup-from FILE to recover one.',
  );
}

async function unlockIfAsked(directory: DataDirectory, passphrase: string | undefined): Promise<OpenStore> {
  const store = passphrase === undefined ? directory.plain : await directory.unlock(passphrase);
  return { store, passphrase };
}

async function askUntilRight(
  directory: DataDirectory,
  prompter: Prompter,
): Promise<OpenStore & { readonly store: EncryptedStore }> {
  for (let again = false; ; again = true) {
    try {
      const passphrase = await prompter.passphrase(again);
      return { store: await directory.unlock(passphrase), passphrase };
    } catch (error) {
      if (!isSottoError(error, 'STORE_WRONG_PASSPHRASE')) throw error;
    }
  }
}

/** @param asked what the user wants, if they were asked */
async function createAccount(
  store: Store,
  options: Options,
  asked: 'new' | 'recover' | undefined,
  prompter: Prompter | undefined,
) {
  const { wordsTo, wordsFrom, backupFrom } = options;
  if (backupFrom !== undefined) {
    const onProgress = (done: number, total: number | undefined) => prompter?.progress(done, total);
    return { identity: await loadBackup(backupFrom, store, prompter, onProgress), recovered: true };
  }
  // A store that was encrypted, and then left before there was an account in it.
  const unasked = asked === undefined && !hasAccountSource(options);
  const wanted = unasked ? await prompter?.newOrRecover() : asked;
  const recovered = wordsFrom !== undefined || wanted === 'recover';
  if (recovered) {
    const mnemonic =
      wordsFrom === undefined ? await prompter?.words() : parseMnemonic(await readText(wordsFrom));
    return { identity: accountFromMnemonic(crypto, mnemonic as Mnemonic).identity, recovered };
  }
  const mnemonic = createMnemonic(crypto);
  if (wordsTo === undefined) await prompter?.showWords(mnemonic);
  else await writeWords(wordsTo, mnemonic);
  return { identity: accountFromMnemonic(crypto, mnemonic).identity, recovered };
}

/** Refuses a backup, or the words of another account, for a directory that already has an account. */
async function checkWords({ wordsFrom, backupFrom }: Options, existing: KeyPair): Promise<void> {
  if (backupFrom !== undefined) {
    throw new CliError(
      'ACCOUNT_EXISTS',
      'This data directory already has an account. Restore the backup into a new one.',
    );
  }
  if (wordsFrom === undefined) return;
  const { identity } = accountFromMnemonic(crypto, parseMnemonic(await readText(wordsFrom)));
  if (compareBytes(identity.publicKey, existing.publicKey) === 0) return;
  throw new CliError('ACCOUNT_EXISTS', 'This data directory already has another account.');
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(
      'FILE_UNREADABLE',
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
    );
  }
}

async function writeWords(file: string, { words }: Mnemonic): Promise<void> {
  try {
    await writeFile(file, `${words.join(' ')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new CliError('FILE_EXISTS', `${file} already exists. Choose a new file for the words.`);
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written: ${code}.`);
  }
}
