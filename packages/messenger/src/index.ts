export type { DecryptOutcome, Protection } from './device/decryption.js';
export { Device, type DeviceInfo, type DeviceOptions, openDevice } from './device/device.js';
export type { DeviceOutcome, EncryptedMessage, SendProtection } from './device/encryption.js';
export { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './device/limits.js';
export type { Ledger, UnitOfWork } from './storage/ledger.js';
