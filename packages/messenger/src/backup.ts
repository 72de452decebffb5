/** Moving to another device. Apart from the rest, since applications without it need not carry Argon2. */
export {
  type BackupOptions,
  backupFileName,
  type ExportBackupOptions,
  exportBackup,
  restoreBackup,
} from './backup/backup.js';
export { type BackupCost, DEFAULT_BACKUP_COST } from './backup/sealed-stream.js';
