import {
  type Clock,
  invalidArgument,
  isBytes,
  type KeyPair,
  parseBytes,
  parseFunction,
  parseObject,
  type Store,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { DeviceLimits } from './limits.js';

/** What `openDevice` needs. */
export interface DeviceOptions {
  /** The identity; the store remembers its public key and opens for no other. */
  readonly identity: KeyPair;
  /** Ours until `close`. */
  readonly store: Store;
  /** All primitives. */
  readonly crypto: CryptoProvider;
  /** Prekeys, bundles and records are dated by it. */
  readonly clock: Clock;
  /** Name of this device; drawn at random for a new store, and remembered by it. */
  readonly installationId?: string;
  /** Default: `DEFAULT_DEVICE_LIMITS`. */
  readonly limits?: Partial<DeviceLimits>;
  /**
   * The store is an old copy that was put back, as its `continuity` tells. Its ratchets may have gone on
   * since: nothing more is sent on them, every conversation begins a new session, and a new prekey is published.
   * Default: whether the store itself says so.
   */
  readonly restored?: boolean;
  /**
   * Gets errors of commit hooks (`Transaction.onCommit`), which undo nothing. Default: an unhandled rejection, so that
   * none is lost.
   */
  readonly onHookError?: (error: unknown) => void;
}

/**
 * Checks what TypeScript checks, for callers in plain JavaScript.
 * @throws INVALID_ARGUMENT that names the option that is wrong
 */
export function checkDeviceOptions(
  options: Omit<DeviceOptions, 'crypto' | 'clock'> & Partial<Pick<DeviceOptions, 'crypto' | 'clock'>>,
): void {
  parseObject(options, 'options');
  checkIdentity(options.identity);
  parseObject<Store>(options.store, 'store', 'get', 'list', 'commit', 'close');
  const { crypto, clock, limits, installationId, onHookError } = options;
  if (crypto !== undefined) {
    parseObject<CryptoProvider>(crypto, 'crypto', 'secp256k1', 'keccak256', 'randomBytes');
  }
  if (clock !== undefined) parseObject(clock, 'clock', 'now', 'after');
  if (limits !== undefined) parseObject(limits, 'limits');
  if (installationId !== undefined && typeof installationId !== 'string') {
    throw invalidArgument('installationId', 'not a text');
  }
  if (onHookError !== undefined) parseFunction(onHookError, 'onHookError');
}

function checkIdentity(identity: KeyPair): void {
  if (typeof identity === 'string' || isBytes(identity)) {
    throw invalidArgument('identity', 'a key pair is needed: make it with keyPairFromPrivateKey');
  }
  parseObject(identity, 'identity', 'publicKey', 'privateKey');
  parseBytes(identity.publicKey, 'identity.publicKey');
  parseBytes(identity.privateKey, 'identity.privateKey');
}
