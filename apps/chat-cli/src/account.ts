import { readFile, writeFile } from 'node:fs/promises';
import { compareBytes, isSottoError, type KeyPair, type Store } from '@sotto/core';
import { accountFromMnemonic, createMnemonic, type Mnemonic, parseMnemonic } from '@sotto/identity';
import { readAccount, writeAccount } from '@sotto/messenger';
import type { EncryptedStore } from '@sotto/store-adapters/encrypted';
import { loadBackup } from './backup.js';
import { CliError } from './cli-error.js';
import type { Options } from './options.js';
import type { Prompter } from './prompter.js';
import { crypto, openVault, type Vault } from './vault.js';

/** What a session is opened with. */
interface OpenAccount {
  readonly store: Store;
  readonly identity: KeyPair;
  readonly restored: boolean;
  readonly announce: boolean;
}

/**
 * Opens the account of a data directory, or makes one there.
 * @throws CliError; STORE codes; INVALID_MNEMONIC for the words of a file
 */
export async function openAccount(options: Options, asks: Prompter | undefined): Promise<OpenAccount> {
  const given = await givenPassphrase(options);
  const vault = await openVault(options.data);
  let store: Store | undefined;
  try {
    store = await openStore(vault, given, options, asks);
    const existing = await readAccount(store, crypto);
    const { identity, recovered } = existing
      ? { identity: existing, recovered: false }
      : await makeAccount(store, options, asks);
    if (existing === undefined) await writeAccount(store, identity, crypto);
    else await checkWords(options, existing);
    return { store, identity, restored: vault.replaced === 'rolled-back', announce: recovered };
  } catch (error) {
    await (store ?? vault).close();
    throw error;
  }
}

/**
 * Prompter for another passphrase, and encrypts the store's keys with it: at once, however large it is.
 * @throws CliError NO_ACCOUNT, NOT_ENCRYPTED; STORE codes
 */
export async function changePassphrase(options: Options, asks: Prompter): Promise<void> {
  const vault = await openVault(options.data);
  try {
    if (vault.content === 'new') throw noAccount();
    if (vault.content === 'plain') {
      throw new CliError(
        'NOT_ENCRYPTED',
        'This data directory is not encrypted. To encrypt it, save a backup and restore it into a new one.',
      );
    }
    const given = await givenPassphrase(options);
    const store = given === undefined ? await askUntilRight(vault, asks) : await vault.unlock(given);
    const passphrase = await asks.newPassphrase();
    if (passphrase === undefined) throw new CliError('PASSPHRASE_NEEDED', 'Nothing was changed.');
    await store.changePassphrase(passphrase);
  } finally {
    await vault.close();
  }
}

/** Not a flag: anyone on the machine can see those. */
async function givenPassphrase({ passphraseFile }: Options): Promise<string | undefined> {
  if (passphraseFile === undefined) return process.env['SOTTO_CHAT_PASSPHRASE'] || undefined;
  return (await readText(passphraseFile)).replace(/\r?\n$/, '');
}

async function openStore(
  vault: Vault,
  given: string | undefined,
  options: Options,
  asks: Prompter | undefined,
): Promise<Store> {
  switch (vault.content) {
    case 'new':
      if (asks === undefined && !saysHow(options)) throw noAccount();
      if (options.backupTo !== undefined) throw noAccount();
      return unlockIfAsked(vault, given ?? (await asks?.newPassphrase()));
    case 'plain':
      if (given === undefined) return vault.plain;
      throw new CliError(
        'NOT_ENCRYPTED',
        'A passphrase was given, but this data directory is not encrypted.',
      );
    case 'locked':
      if (given !== undefined) return vault.unlock(given);
      if (asks !== undefined) return askUntilRight(vault, asks);
      throw new CliError(
        'PASSPHRASE_NEEDED',
        'This data directory is encrypted. Give --passphrase-file FILE, or SOTTO_CHAT_PASSPHRASE.',
      );
  }
}

/** Whether the command line says where a new account comes from. */
function saysHow({ wordsTo, wordsFrom, backupFrom }: Options): boolean {
  return [wordsTo, wordsFrom, backupFrom].some((file) => file !== undefined);
}

function noAccount(): CliError {
  return new CliError(
    'NO_ACCOUNT',
    'There is no account in this data directory. Give --words-to FILE to make one, or --words-from FILE or --backup-from FILE to recover one.',
  );
}

async function unlockIfAsked(vault: Vault, passphrase: string | undefined): Promise<Store> {
  return passphrase === undefined ? vault.plain : vault.unlock(passphrase);
}

async function askUntilRight(vault: Vault, asks: Prompter): Promise<EncryptedStore> {
  for (let again = false; ; again = true) {
    try {
      return await vault.unlock(await asks.passphrase(again));
    } catch (error) {
      if (!isSottoError(error, 'STORE_WRONG_PASSPHRASE')) throw error;
    }
  }
}

async function makeAccount(store: Store, options: Options, asks: Prompter | undefined) {
  const { wordsTo, wordsFrom, backupFrom } = options;
  if (backupFrom !== undefined) {
    const onProgress = (done: number, total: number | undefined) => asks?.progress(done, total);
    return { identity: await loadBackup(backupFrom, store, asks, onProgress), recovered: true };
  }
  const recovered =
    wordsFrom !== undefined || (wordsTo === undefined && (await asks?.newOrRecover()) === 'recover');
  if (recovered) {
    const mnemonic = wordsFrom === undefined ? await asks?.words() : parseMnemonic(await readText(wordsFrom));
    return { identity: accountFromMnemonic(crypto, mnemonic as Mnemonic).identity, recovered };
  }
  const mnemonic = createMnemonic(crypto);
  if (wordsTo === undefined) await asks?.showWords(mnemonic);
  else await writeWords(wordsTo, mnemonic);
  return { identity: accountFromMnemonic(crypto, mnemonic).identity, recovered };
}

/** Words of another account, or a backup, given for a directory that has one, are a mistake. */
async function checkWords({ wordsFrom, backupFrom }: Options, existing: KeyPair): Promise<void> {
  if (backupFrom !== undefined) {
    throw new CliError(
      'ACCOUNT_EXISTS',
      'There is an account in this data directory. A backup needs a new one.',
    );
  }
  if (wordsFrom === undefined) return;
  const { identity } = accountFromMnemonic(crypto, parseMnemonic(await readText(wordsFrom)));
  if (compareBytes(identity.publicKey, existing.publicKey) === 0) return;
  throw new CliError('ACCOUNT_EXISTS', 'There is another account in this data directory already.');
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
      throw new CliError('FILE_EXISTS', `${file} is there already. The words need a new file.`);
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written: ${code}.`);
  }
}
