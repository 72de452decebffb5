import type { Mnemonic } from '@sotto/identity';

/** Asks the user. Absent with `--json`, where everything must be configured in advance. */
export interface Prompter {
  /** @param again the last answer was wrong */
  passphrase(again: boolean): Promise<string>;
  /** For a new store; `undefined` leaves it unencrypted. */
  newPassphrase(): Promise<string | undefined>;
  newOrRecover(): Promise<'new' | 'recover'>;
  /** Shows the words of a new account once, and checks that they were written down. */
  showWords(mnemonic: Mnemonic): Promise<void>;
  words(): Promise<Mnemonic>;
  /** @param again the last answer was wrong */
  backupPassphrase(again: boolean): Promise<string>;
  newBackupPassphrase(): Promise<string>;
  /** Reports the progress of something slow. */
  progress(done: number, total: number | undefined): void;
}
