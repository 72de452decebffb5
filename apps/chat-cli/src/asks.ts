import type { Mnemonic } from '@sotto/identity';

/** Who can be asked. A program that talks in JSON lines can't: there, all is given or missing. */
export interface Asks {
  /** @param again the last one was wrong */
  passphrase(again: boolean): Promise<string>;
  /** For a new store; `undefined` when it is not to be encrypted. */
  newPassphrase(): Promise<string | undefined>;
  newOrRecover(): Promise<'new' | 'recover'>;
  /** Shows the words of a new account once, and sees to it that they are written down. */
  showWords(mnemonic: Mnemonic): Promise<void>;
  words(): Promise<Mnemonic>;
  /** @param again the last one was wrong */
  backupPassphrase(again: boolean): Promise<string>;
  newBackupPassphrase(): Promise<string>;
  /** Something that takes its time goes on. */
  progress(done: number, total: number | undefined): void;
}
