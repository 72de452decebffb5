/** Moving to another device. Apart from the rest, since applications without it need not carry Argon2. */
export {
  type BackupOptions,
  backupFileName,
  DEFAULT_RESTORE_MAX_BYTES,
  type ExportBackupOptions,
  exportBackup,
  type RestoreBackupOptions,
  restoreBackup,
} from './backup/backup.js';
export {
  BACKUP_COST_MAX,
  BACKUP_PASSPHRASE_MIN_LENGTH,
  type BackupCost,
  DEFAULT_BACKUP_COST,
} from './backup/sealed-stream.js';
