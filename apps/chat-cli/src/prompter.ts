import type { PublicKey } from '@sotto/core';
import type { LinkProgress } from '@sotto/device-linking';
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
  /** Shows the code that another device reads. @param expiresAt milliseconds since the epoch */
  linkCode(code: string, expiresAt: number): void;
  /** The other device has read it. */
  linkRead(oldDevice: string): void;
  /** Whether the account that another device hands over is the user's. */
  isOwnAccount(identity: PublicKey, oldDevice: string): Promise<boolean>;
  linkProgress(progress: LinkProgress): void;
  /** Reports the progress of something slow. */
  progress(done: number, total: number | undefined): void;
}
