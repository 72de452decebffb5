/** Moving to another device. A separate entry point, so that applications without it don't bundle Argon2. */
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
