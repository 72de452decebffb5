export { createDeviceSync, type DeviceSync, type DeviceSyncOptions } from './device-sync.js';
