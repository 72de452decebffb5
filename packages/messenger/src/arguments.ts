import { invalidArgument, parseBytes, parseObject } from '@sotto/core';
import { checkDeviceOptions } from '@sotto/device/internal';
import type { MessengerEvents } from './runtime/events.js';
import type { MessengerOptions } from './runtime/options.js';

/*
 * Repeats for callers in plain JavaScript what TypeScript checks: a wrong argument is refused with an INVALID_ARGUMENT
 * that names it, and nothing has changed.
 */

/** @throws INVALID_ARGUMENT */
export function checkMessengerOptions(options: MessengerOptions): void {
  checkDeviceOptions(options);
  parseObject(options.transport, 'transport', 'connect', 'capabilities');
  for (const directory of options.directories ?? [])
    parseObject(directory, 'directory', 'find', 'capabilities');
  if (options.names !== undefined) parseObject(options.names, 'names', 'resolve', 'primaryName');
  if (options.logger !== undefined) parseObject(options.logger, 'logger', 'info', 'warn', 'error');
}

/** The names of all events; the compiler checks that none is missing. */
const EVENT_NAMES: Readonly<Record<keyof MessengerEvents, true>> = {
  message: true,
  deviceAdded: true,
  deviceEnabled: true,
  request: true,
  accepted: true,
  contactChanged: true,
  blocked: true,
  sessionEstablished: true,
  sessionReset: true,
  preKeyRotated: true,
  postQuantumWithdrawn: true,
  decryptionFailed: true,
  sent: true,
  sendFailed: true,
  groupChanged: true,
  groupChangeLost: true,
  nameChanged: true,
  bundlePublished: true,
  bundlePublishFailed: true,
  status: true,
  clockSkew: true,
  storeReplaced: true,
  storageError: true,
};

/** @throws INVALID_ARGUMENT */
export function checkEventName(name: unknown): void {
  if (typeof name !== 'string' || !Object.hasOwn(EVENT_NAMES, name)) {
    throw invalidArgument(
      'name of an event',
      `unknown; the events are ${Object.keys(EVENT_NAMES).join(', ')}`,
    );
  }
}

/** @throws INVALID_ARGUMENT */
export function checkPayload(payload: unknown): void {
  if (typeof payload === 'string') {
    throw invalidArgument(
      'payload',
      'a text: encode it with TextEncoder, or send it with @sotto/conversations',
    );
  }
  parseBytes(payload as Uint8Array, 'payload');
}
