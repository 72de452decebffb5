import type { Bundle, SignedPreKey } from '@sotto/protocol-codec';
import { bundleTimestamp, signBundle, type VerifiedBundle } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { activeDevices, getPeer } from './peers.js';
import type { PreKeyRecord } from './storage/records.js';
import type { ReadTransaction } from './storage/transaction.js';

/** Protocol version in our bundles: 1, negotiated topics. */
const PROTOCOL_VERSION = 1;

/** Signs our bundle, and reuses the last one while its content is unchanged and it is fresh. */
export class OwnBundle {
  #last: { readonly bundle: VerifiedBundle; readonly content: string; readonly signedAt: number } | undefined;
  #newest = 0n;

  /**
   * The current bundle: this device and its paired devices, three at most. Wire profile, section 2.
   * @param fresh sign again whatever the age of the last one
   */
  async get(
    tx: ReadTransaction,
    context: DeviceContext,
    preKey: PreKeyRecord,
    fresh = false,
  ): Promise<VerifiedBundle> {
    const { crypto, clock, limits, identity, installationId } = context;
    const paired = activeDevices(await getPeer(tx, identity.publicKey), limits.maxActiveDevices - 1).filter(
      (device) => device.signedPreKey.length > 0,
    );
    const signedPreKeys = new Map<string, SignedPreKey>([
      [installationId, entry(preKey.publicKey, preKey.version, PROTOCOL_VERSION)],
      ...paired.map((device): [string, SignedPreKey] => [
        device.installationId,
        entry(device.signedPreKey, device.version, device.protocolVersion),
      ]),
    ]);
    const now = clock.now();
    const content = contentOf(signedPreKeys);
    const age = this.#last && now - this.#last.signedAt;
    if (
      !fresh &&
      this.#last?.content === content &&
      age !== undefined &&
      age >= 0 &&
      age < limits.bundleRefreshMs
    ) {
      return this.#last.bundle;
    }
    // No two bundles have the same timestamp, so that peers can tell which is newer.
    const wanted = bundleTimestamp(now);
    this.#newest = wanted > this.#newest || wanted < this.#newest - 1_000_000n ? wanted : this.#newest + 1n;
    const bundle = signBundle(crypto, identity, { signedPreKeys, timestamp: this.#newest });
    this.#last = { bundle, content, signedAt: now };
    return bundle;
  }
}

function entry(signedPreKey: Uint8Array, version: number, protocolVersion: number): SignedPreKey {
  return { signedPreKey, version, protocolVersion };
}

function contentOf(signedPreKeys: Bundle['signedPreKeys']): string {
  return JSON.stringify(
    [...signedPreKeys].map(([id, { signedPreKey, ...versions }]) => [id, signedPreKey.join(), versions]),
  );
}
