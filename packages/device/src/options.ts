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
import type { HybridSuite } from './suites/hybrid-suite.js';

/** What `openDevice` needs. */
export interface DeviceOptions {
  /** The identity; the store remembers its public key and opens for no other. */
  readonly identity: KeyPair;
  /** Holds all state; the device closes it. One device per store. */
  readonly store: Store;
  /** All primitives. */
  readonly crypto: CryptoProvider;
  /** Time for prekeys, bundles and records. */
  readonly clock: Clock;
  /**
   * The hybrid suite, `createHybridSuite` of `@sotto/device/hybrid`: sessions with devices that offer it too are safe from an
   * attacker who records them and has a quantum computer later. Deployed peers notice nothing. Default: not offered.
   */
  readonly hybrid?: HybridSuite | undefined;
  /**
   * Whether to offer sealed messages in the hybrid suite: their envelopes are signed with a pseudonym, for which the application uses
   * `sealingKey` and `sealedSender`. Default false.
   */
  readonly sealedSender?: boolean | undefined;
  /** Name of this device among those of its identity. Default: random for a new store, which remembers it. */
  readonly installationId?: string | undefined;
  /** Default: `DEFAULT_DEVICE_LIMITS`. */
  readonly limits?: Partial<DeviceLimits> | undefined;
  /**
   * Whether the store is an old copy that was restored. Its ratchets may have advanced since: nothing more is sent on them,
   * every conversation begins a new session, and a new prekey is published. Default: what the store's `continuity` reports.
   */
  readonly restored?: boolean | undefined;
  /**
   * Receives errors of commit hooks (`Transaction.onCommit`), which can't undo the commit. Default: an unhandled rejection, so
   * that none is lost.
   */
  readonly onHookError?: ((error: unknown) => void) | undefined;
}

/**
 * Repeats for callers in plain JavaScript what TypeScript checks.
 * @throws INVALID_ARGUMENT with the name of the wrong option
 */
export function checkDeviceOptions(
  options: Omit<DeviceOptions, 'crypto' | 'clock'> & {
    readonly [K in 'crypto' | 'clock']?: DeviceOptions[K] | undefined;
  },
): void {
  parseObject(options, 'options');
  checkIdentity(options.identity);
  parseObject<Store>(options.store, 'store', 'get', 'list', 'commit', 'close');
  const { crypto, clock, limits, hybrid, sealedSender, installationId, onHookError } = options;
  if (hybrid !== undefined) parseObject<HybridSuite>(hybrid, 'hybrid', 'generatePreKeys', 'begin', 'accept');
  if (sealedSender !== undefined && typeof sealedSender !== 'boolean') {
    throw invalidArgument('sealedSender', 'neither true nor false');
  }
  if (crypto !== undefined) checkCrypto(crypto);
  if (clock !== undefined) checkClock(clock);
  if (limits !== undefined) parseObject(limits, 'limits');
  if (installationId !== undefined && typeof installationId !== 'string') {
    throw invalidArgument('installationId', 'not a text');
  }
  if (onHookError !== undefined) parseFunction(onHookError, 'onHookError');
}

/** @throws INVALID_ARGUMENT */
export function checkCrypto(crypto: CryptoProvider): void {
  parseObject(crypto, 'crypto', 'secp256k1', 'keccak256', 'randomBytes');
}

/** @throws INVALID_ARGUMENT */
export function checkClock(clock: Clock): void {
  parseObject(clock, 'clock', 'now', 'after');
}

function checkIdentity(identity: KeyPair): void {
  if (typeof identity === 'string' || isBytes(identity)) {
    throw invalidArgument('identity', 'a key pair is needed: make it with keyPairFromPrivateKey');
  }
  parseObject(identity, 'identity', 'publicKey', 'privateKey');
  parseBytes(identity.publicKey, 'identity.publicKey');
  parseBytes(identity.privateKey, 'identity.privateKey');
}
