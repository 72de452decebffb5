import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { isSottoError, type KeyPair, type Store } from '@sotto/core';
import { exportBackup, restoreBackup } from '@sotto/messenger/backup';
import { CliError } from './cli-error.js';
import { crypto } from './data-directory.js';
import type { Prompter } from './prompter.js';

/** Called with the number of records processed so far, and the total if it is known. */
type Progress = (done: number, total: number | undefined) => void;

/**
 * Exports everything that moves to another device into a new, encrypted file. Works offline.
 * @returns the number of records
@throws CliError FILE_EXISTS, FILE_UNREADABLE, PASSPHRASE_NEEDED; STORE codes. Then no file is left behind
 */
export async function saveBackup(
  file: string,
  account: { readonly store: Store; readonly identity: KeyPair },
  prompter: Prompter | undefined,
  onProgress: Progress,
): Promise<number> {
  const passphrase = configuredPassphrase() ?? (await prompter?.newBackupPassphrase());
  if (passphrase === undefined) throw passphraseNeeded();
  let records = 0;
  const backup = exportBackup({
    ...account,
    passphrase,
    crypto,
    onProgress: ({ done, total }) => {
      records = done;
      onProgress(done, total);
    },
  });
  try {
    await pipeline(backup, createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new CliError('FILE_EXISTS', `${file} already exists. Choose a new file for the backup.`);
    await rm(file, { force: true });
    if (isSottoError(error)) throw error;
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written: ${code}.`);
  }
  return records;
}

/**
 * Restores a backup into an empty store, which becomes a new device of its account.
@throws CliError FILE_UNREADABLE, PASSPHRASE_NEEDED; what `restoreBackup` throws. Then nothing is stored
 */
export async function loadBackup(
  file: string,
  store: Store,
  prompter: Prompter | undefined,
  onProgress: Progress,
): Promise<KeyPair> {
  const configured = configuredPassphrase();
  for (let again = false; ; again = true) {
    const passphrase = configured ?? (await prompter?.backupPassphrase(again));
    if (passphrase === undefined) throw passphraseNeeded();
    try {
      const options = { store, passphrase, crypto };
      const { identity } = await restoreBackup(contentOf(file), {
        ...options,
        onProgress: ({ done, total }) => onProgress(done, total),
      });
      return identity;
    } catch (error) {
      if (configured === undefined && isSottoError(error, 'STORE_WRONG_PASSPHRASE')) continue;
      if (isSottoError(error)) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new CliError('FILE_UNREADABLE', `${file} cannot be read: ${code}.`);
    }
  }
}

/** Opened when it is read first: a stream that fails before anybody listens ends the program. */
async function* contentOf(file: string): AsyncGenerator<Uint8Array, void> {
  yield* createReadStream(file);
}

function configuredPassphrase(): string | undefined {
  return process.env['SOTTO_CHAT_BACKUP_PASSPHRASE'] || undefined;
}

function passphraseNeeded(): CliError {
  return new CliError(
    'PASSPHRASE_NEEDED',
    'A backup has a passphrase of its own. Set SOTTO_CHAT_BACKUP_PASSPHRASE.',
  );
}
