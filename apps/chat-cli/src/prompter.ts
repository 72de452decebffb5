import type { Mnemonic } from '@sotto/identity';

/** Prompter the user. Not available to programs that use JSON lines, which must provide everything. */
export interface Prompter {
  /** @param again the last one was wrong */
  passphrase(again: boolean): Promise<string>;
  /** For a new store; `undefined` when it is not to be encrypted. */
  newPassphrase(): Promise<string | undefined>;
  newOrRecover(): Promise<'new' | 'recover'>;
  /** Shows the words of a new account once, and checks that they were written down. */
  showWords(mnemonic: Mnemonic): Promise<void>;
  words(): Promise<Mnemonic>;
  /** @param again the last one was wrong */
  backupPassphrase(again: boolean): Promise<string>;
  newBackupPassphrase(): Promise<string>;
  /** Reports the progress of something slow. */
  progress(done: number, total: number | undefined): void;
}
