import { invalidArgument, isBytes, type KeyPair, parseBytes, parseObject, type Store } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { MessengerEvents } from './events.js';
import type { MessengerOptions } from './options.js';

/*
 * What TypeScript checks, checked for those who call from plain JavaScript: a wrong argument ends in INVALID_ARGUMENT that
 * names it, and nothing has happened.
 */

/** @throws INVALID_ARGUMENT */
export function checkMessengerOptions(options: MessengerOptions): void {
  checkDeviceOptions(options);
  parseObject(options.transport, 'transport', 'connect', 'capabilities');
  if (options.logger !== undefined) parseObject(options.logger, 'logger', 'info', 'warn', 'error');
}

/** @throws INVALID_ARGUMENT */
export function checkDeviceOptions(
  options: Pick<MessengerOptions, 'identity' | 'store' | 'crypto' | 'clock' | 'limits' | 'installationId'>,
): void {
  parseObject(options, 'options');
  checkIdentity(options.identity);
  checkStore(options.store);
  const { crypto, clock, limits, installationId } = options;
  if (crypto !== undefined) {
    parseObject<CryptoProvider>(crypto, 'crypto', 'secp256k1', 'keccak256', 'randomBytes');
  }
  if (clock !== undefined) parseObject(clock, 'clock', 'now', 'after');
  if (limits !== undefined) parseObject(limits, 'limits');
  if (installationId !== undefined && typeof installationId !== 'string') {
    throw invalidArgument('installationId', 'not a text');
  }
}

function checkIdentity(identity: KeyPair): void {
  if (typeof identity === 'string' || isBytes(identity)) {
    throw invalidArgument('identity', 'a key pair is needed: make it with keyPairFromPrivateKey');
  }
  parseObject(identity, 'identity', 'publicKey', 'privateKey');
  parseBytes(identity.publicKey, 'identity.publicKey');
  parseBytes(identity.privateKey, 'identity.privateKey');
}

function checkStore(store: Store): void {
  parseObject<Store>(store, 'store', 'get', 'list', 'commit', 'close');
}

/** The names of all events: the compiler sees to it that none is missing. */
const EVENT_NAMES: Readonly<Record<keyof MessengerEvents, true>> = {
  message: true,
  deviceSeen: true,
  request: true,
  accepted: true,
  blocked: true,
  sessionBegun: true,
  sessionReset: true,
  bundleRotated: true,
  undecryptable: true,
  sent: true,
  sendFailed: true,
  groupChanged: true,
  groupChangeLost: true,
  status: true,
  clockSkew: true,
  storeReplaced: true,
  storageTrouble: true,
};

/** @throws INVALID_ARGUMENT */
export function checkEventName(name: unknown): void {
  if (typeof name !== 'string' || !Object.hasOwn(EVENT_NAMES, name)) {
    throw invalidArgument(
      'name of an event',
      `there is none of this name; there are ${Object.keys(EVENT_NAMES).join(', ')}`,
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
