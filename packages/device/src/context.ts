import type { Clock, InstallationId, KeyPair } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { RatchetSuite } from '@sotto/double-ratchet';
import type { DeviceLimits } from './limits.js';
import type { NegotiatedSecrets } from './negotiated-secrets.js';
import type { SealingKeys } from './sealed/sealing-keys.js';
import type { HybridSuite } from './suites/hybrid-suite.js';

/** What every part of a device works with. */
export interface DeviceContext {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly suite: RatchetSuite;
  readonly identity: KeyPair;
  readonly installationId: InstallationId;
  readonly limits: DeviceLimits;
  readonly negotiated: NegotiatedSecrets;
  readonly sealing: SealingKeys;
  /** `undefined` when this device speaks only the suite of deployed peers. */
  readonly hybrid: HybridSuite | undefined;
  /** Whether this device offers to be sent sealed messages; it reads them in any case. */
  readonly offersSealed: boolean;
}
