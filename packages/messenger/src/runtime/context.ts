import type { MessengerDevice as Device } from '@sotto/device/internal';
import type { Events } from './events.js';
import type { Settings } from './options.js';
import type { Runtime } from './runtime.js';

/** What every part of a messenger works with. */
export interface MessengerContext {
  readonly device: Device;
  readonly events: Events;
  readonly runtime: Runtime;
  readonly settings: Settings;
}
